package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/sandbox/people"
)

const killedDir = "SANDBOX_TEST_KILLED_DIR"

// TestMain also is the process that TestAKill... kills: it serves until it dies.
func TestMain(m *testing.M) {
	dir := os.Getenv(killedDir)
	if dir == "" {
		code := m.Run()
		_ = os.RemoveAll(sharedKeys())
		os.Exit(code)
	}
	t := &dying{}
	r := &rig{t: t, dir: dir}
	r.serveUntilKilled()
}

// dying stands for a test in the process that is killed.
type dying struct{ testing.TB }

func (d *dying) Helper()           {}
func (d *dying) Fatal(args ...any) { fmt.Println(args...); os.Exit(3) }

func TestAKillInTheMiddleLosesNothingThatWasAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: starts processes")
	}
	r := start(t)
	p := r.person(1, 0)
	r.stop()
	answered := map[string]bool{}
	for round := range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), killedDir+"="+r.dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 200)
		n, err := out.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		r.url = string(line[:n])
		r.hammer(p, round, answered, func() { _ = child.Process.Kill() })
		_ = child.Wait()
	}
	if len(answered) < 30 {
		t.Fatalf("only %d orders were answered before the kills", len(answered))
	}
	r.open()
	defer r.stop()
	done := map[string]int{}
	for _, e := range r.journal("alpha") {
		done[e.RequestNo]++
	}
	for no := range answered {
		if done[no] != 1 {
			t.Errorf("the journal has the answered order %s %d times", no, done[no])
		}
	}
	if got := r.balance(p); got != int64(len(done)) {
		t.Errorf("%d orders stand in the journal, the card has %d", len(done), got)
	}
	r.settle()
}

// hammer sends orders from many clients until the process is dead, and kills it in the middle.
func (r *rig) hammer(p people.Person, round int, answered map[string]bool, kill func()) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	killed := make(chan struct{})
	for c := range 8 {
		wg.Go(func() {
			for i := range 100_000 {
				select {
				case <-killed:
					return
				default:
				}
				no := fmt.Sprintf("r%d-%d-%d", round, c, i)
				if a := r.pay(no, "PAYOUT", p, 1); a != nil && a["status"] == "SUCCESS" {
					mu.Lock()
					answered[no] = true
					mu.Unlock()
				}
			}
		})
	}
	time.Sleep(time.Duration(150+round*70) * time.Millisecond)
	kill()
	close(killed)
	wg.Wait()
}

// serveUntilKilled opens the sandbox on an existing folder and prints its address.
func (r *rig) serveUntilKilled() {
	r.offset = &clock.Offset{}
	r.taker = httptest.NewServer(http.HandlerFunc(r.take))
	r.open()
	fmt.Print(r.url)
	time.Sleep(time.Minute) // the parent kills it long before
}
