package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

const crashVariable = "HENGDAI_TEST_CRASH_FILE"

// TestMain lets the test start itself as the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		os.Exit(writeUntilKilled(path))
	}
	os.Exit(m.Run())
}

// writeUntilKilled moves one unit from account to account and prints each note that was answered.
func writeUntilKilled(path string) int {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Engine: store.SQLite, Path: path}, accounts())
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	var next atomic.Int64
	next.Store(time.Now().UnixNano())
	var out sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				n := next.Add(1)
				err := db.Write(ctx, func(tx *store.Tx) error {
					if err := insertNote(tx, 2*n, "first"); err != nil {
						return err
					}
					return insertNote(tx, 2*n+1, "second") // both or none
				})
				out.Lock()
				if err != nil {
					fmt.Println("error", err)
				}
				fmt.Println(n)
				out.Unlock()
			}
		})
	}
	all.Wait()
	return 0
}

func TestWhatWasAnsweredSurvivesAKilledProcess(t *testing.T) {
	cfg := storetest.SQLite(t)
	answered := map[int64]bool{}
	for range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashVariable+"="+cfg.Path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Fatal(lines.Text())
			}
			if n == 100 {
				_ = cmd.Process.Kill()
			}
			if id, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				answered[id] = true
			}
		}
		kill.Stop()
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			t.Fatalf("the process ended by itself: %v", err)
		}
	}
	if len(answered) < 500 {
		t.Fatalf("only %d units were answered", len(answered))
	}
	db := storetest.Open(t, cfg, accounts())
	there := map[int64]int{}
	for _, id := range notes(t, db) {
		there[id/2]++
	}
	for id := range answered {
		if there[id] != 2 {
			t.Fatalf("unit %d was answered, and %d of its 2 rows are there", id, there[id])
		}
	}
	for id, n := range there {
		if n != 2 {
			t.Fatalf("unit %d is there by half", id)
		}
	}
	var check string
	if err := db.Primary().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&check); err != nil || check != "ok" {
		t.Fatal(check, err)
	}
}
