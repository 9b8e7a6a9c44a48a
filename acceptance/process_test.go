package acceptance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/node"
)

// single runs everything in this process, as `hengdai run` does without flags.
type single struct {
	w    *world
	node *node.Node
	end  func()
}

func (s *single) many() bool { return false }

func (s *single) start(t testing.TB) {
	t.Helper()
	file := s.w.configFile(t, "all", services...)
	s.w.databases.migrate(t, file)
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(filepath.Join(s.w.dir, "all.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	tel, err := telemetry.New(ctx, telemetry.Config{Process: "hengdai", Level: cfg.Telemetry.Level, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	s.node, err = node.Start(ctx, cfg, tel, "acceptance")
	if err != nil {
		t.Fatal(err)
	}
	s.end = func() {
		if err := s.node.Close(); err != nil {
			t.Errorf("close the node: %v", err)
		}
		_ = tel.Close(ctx)
		_ = out.Close()
	}
}

func (s *single) kill(testing.TB, string)       { s.stop(nil) }
func (s *single) revive(t testing.TB, _ string) { s.start(t) }

func (s *single) stop(testing.TB) {
	if s.end != nil {
		s.end()
		s.end = nil
	}
}

// spread runs each service in a process of its own.
type spread struct {
	w       *world
	running map[string]*process
	// small is the service whose folder is a disk of its own that is soon full; empty: none.
	small string
}

// process is one running program.
type process struct {
	command *exec.Cmd
	gone    chan struct{}
	err     error
}

func (s *spread) many() bool { return true }

// start starts all services at once and in no order: they find each other.
func (s *spread) start(t testing.TB) {
	t.Helper()
	files := map[string]string{}
	for _, service := range services {
		files[service] = s.w.configFile(t, service, service)
	}
	s.w.databases.migrate(t, files["user"], files["risk"], files["payment"], files["loan"], files["notify"], files["collection"], files["report"])
	for _, service := range slices.Backward(services) {
		s.running[service] = s.launch(t, service)
	}
}

// launch starts the program for one service, on the configuration that was written for it.
func (s *spread) launch(t testing.TB, service string) *process {
	t.Helper()
	w := s.w
	out, err := os.OpenFile(filepath.Join(w.dir, service+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	words := []string{program, "run", "--config", filepath.Join(w.dir, service+".yaml")}
	if service == s.small {
		words = append(onDiskOfItsOwn(filepath.Join(w.dir, service)), words...)
	}
	p := &process{command: exec.Command(words[0], words[1:]...), gone: make(chan struct{})}
	p.command.Stdout, p.command.Stderr, p.command.Env = out, out, plainEnvironment()
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.gone)
	}()
	return p
}

// plainEnvironment is ours without what would change the program's configuration.
func plainEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HENGDAI_") })
}

func (s *spread) kill(t testing.TB, service string) {
	t.Helper()
	p := s.running[service]
	select {
	case <-p.gone:
		t.Fatalf("%s ended by itself: %v", service, p.err)
	default:
	}
	if err := p.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.gone
	delete(s.running, service)
}

func (s *spread) revive(t testing.TB, service string) {
	t.Helper()
	s.running[service] = s.launch(t, service)
	s.w.waitUntilReady(t, service)
}

// stop asks every process to end and sees that it does so in order and in time.
func (s *spread) stop(t testing.TB) {
	for _, p := range s.running {
		_ = p.command.Process.Signal(syscall.SIGTERM)
	}
	late := time.After(30 * time.Second)
	for service, p := range s.running {
		select {
		case <-p.gone:
			if p.err != nil {
				t.Errorf("%s did not end in order: %v", service, p.err)
			}
		case <-late:
			_ = p.command.Process.Kill()
			<-p.gone
			t.Errorf("%s did not end within 30 s of being asked", service)
		}
		delete(s.running, service)
	}
}

// diskMegabytes is the size of a small disk: enough for a service and a few loans.
const diskMegabytes = 48

// onDiskOfItsOwn is the beginning of a command for a program that sees a small disk at a folder; nobody else sees it there.
func onDiskOfItsOwn(folder string) []string {
	mount := fmt.Sprintf(`mkdir -p "$0" && mount -t tmpfs -o size=%dm,mode=0700 disk "$0" && exec "$@"`, diskMegabytes)
	return []string{"unshare", "--map-root-user", "--mount", "sh", "-c", mount, folder}
}

// folder is where the data of a service are, as this process sees them.
func (w *world) folder(service string) string {
	s, many := w.runs.(*spread)
	switch {
	case !many:
		return filepath.Join(w.dir, "all")
	case service == s.small:
		return filepath.Join("/proc", strconv.Itoa(s.running[service].command.Process.Pid), "root", w.dir, service)
	}
	return filepath.Join(w.dir, service)
}

// migrateWith runs `hengdai migrate`.
func migrateWith(t testing.TB, file string) {
	t.Helper()
	command := exec.Command(program, "migrate", "--config", file)
	command.Env = plainEnvironment()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("migrate: %w\n%s", err, out))
	}
}
