package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
)

// process is one running program.
type process struct {
	command *exec.Cmd
	gone    chan struct{}
	err     error
}

// launch starts the program for one service, on the configuration that was written for it.
func (w *World) launch(name string) error {
	out, err := os.OpenFile(filepath.Join(w.Dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // of our own folder
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	p := &process{command: exec.Command(w.program, "run", "--config", w.configFile(name)), gone: make(chan struct{})} //nolint:gosec,noctx // the program under test, which ends when it is told
	p.command.Stdout, p.command.Stderr, p.command.Env = out, out, plainEnvironment()
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.gone)
	}()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[name] = p
	return nil
}

// plainEnvironment is ours without what would change the program's configuration.
func plainEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HENGDAI_") })
}

func (w *World) process(name string) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running[name]
}

// alive says what ended a process that should run.
func (w *World) alive(name string) error {
	p := w.process(name)
	if p == nil {
		return fmt.Errorf("%s was not started", name)
	}
	select {
	case <-p.gone:
		return fmt.Errorf("%s ended by itself: %w", name, errors.Join(p.err, errors.New("see its log")))
	default:
		return nil
	}
}

// Kill ends a service without warning (SIGKILL) and answers when it is gone.
func (w *World) Kill(name string) error {
	if err := w.alive(name); err != nil {
		return err
	}
	p := w.process(name)
	if err := p.command.Process.Kill(); err != nil {
		return err
	}
	<-p.gone
	return nil
}

// Revive starts again what was killed, on the same data, and answers how long it took until it was ready.
func (w *World) Revive(ctx context.Context, name string) (time.Duration, error) {
	if err := w.Launch(name); err != nil {
		return 0, err
	}
	return w.ready(ctx, name)
}

// Launch starts again what was killed and does not wait.
func (w *World) Launch(name string) error { return w.launch(name) }

// Freeze stops a process (SIGSTOP) and answers when none of its threads runs any more.
func (w *World) Freeze(ctx context.Context, name string) error {
	if err := w.alive(name); err != nil {
		return err
	}
	pid := w.process(name).command.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	return until(ctx, name+" does not stand still", 5*time.Second, func() error { return standsStill(pid) })
}

// Thaw lets a stopped process go on (SIGCONT).
func (w *World) Thaw(name string) error {
	if err := w.alive(name); err != nil {
		return err
	}
	return syscall.Kill(w.process(name).command.Process.Pid, syscall.SIGCONT)
}

// standsStill looks at every thread: one that is still in the kernel, waiting for a disk, has not stopped.
func standsStill(pid int) error {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(files) == 0 {
		return errors.Join(err, errOver, errors.New("the process is gone"))
	}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // of the kernel
		if err != nil {
			continue // the thread ended meanwhile
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if !strings.HasPrefix(rest, "T") {
			return fmt.Errorf("a thread is in state %.1s", rest)
		}
	}
	return nil
}

// closeWithin is how long a process may take to end in order.
const closeWithin = 30 * time.Second

// Close asks every process to end, sees that it does so in order and in time, and drops what was made on a server. The
// folder stays.
func (w *World) Close(ctx context.Context) error {
	var errs []error
	for _, name := range append(slices.Clone(Services), config.Outside) {
		if p := w.process(name); p != nil {
			_ = p.command.Process.Signal(syscall.SIGCONT)
			_ = p.command.Process.Signal(syscall.SIGTERM)
		}
	}
	late := clock.NewTimer(closeWithin)
	defer late.Stop()
	for _, name := range append(slices.Clone(Services), config.Outside) {
		p := w.process(name)
		if p == nil {
			continue
		}
		select {
		case <-p.gone:
			if p.err != nil {
				errs = append(errs, fmt.Errorf("%s did not end in order: %w", name, p.err))
			}
		case <-late.C:
			_ = p.command.Process.Kill()
			<-p.gone
			errs = append(errs, fmt.Errorf("%s did not end within %s of being asked", name, closeWithin))
		}
	}
	return errors.Join(append(errs, w.databases.close(ctx))...)
}
