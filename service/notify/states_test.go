package notify_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/service/notify"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestTheMatrixOfMessageStatesIsTheGoldenOne(t *testing.T) {
	var b strings.Builder
	for _, s := range notify.States {
		for _, e := range notify.Events {
			to, err := notify.Next(s, e)
			if err != nil {
				to = "-"
			}
			fmt.Fprintf(&b, "%s %s %s\n", s, e, to)
		}
	}
	path := filepath.Join("testdata", "states.golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil || string(golden) != b.String() {
		t.Errorf("the table is\n%s(%v)", b.String(), err)
	}
}

func TestEndsAreEndsAndEverythingElseCanEnd(t *testing.T) {
	for _, s := range notify.States {
		reaches := map[notify.State]bool{s: true}
		for range notify.States {
			for _, r := range notify.Table {
				if reaches[r.From] {
					reaches[r.To] = true
				}
			}
		}
		ends := false
		for to := range reaches {
			ends = ends || to.Ended()
		}
		if !ends {
			t.Errorf("from %s no end can be reached", s)
		}
	}
}
