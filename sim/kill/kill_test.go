package kill

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/sim/world"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
)

// program is the binary under test, built once, or HENGDAI_KILL_PROGRAM.
var program string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	if program = os.Getenv("HENGDAI_KILL_PROGRAM"); program != "" {
		return m.Run(), nil // one that is built already
	}
	dir, err := os.MkdirTemp("", "hengdai-kill-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "hengdai")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/hengdai").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return m.Run(), nil
}

const (
	applicantsFile = "../../testdata/credit/south_german_credit.csv"
	mappingFile    = "../../testdata/credit/mapping.json"
)

func rows(t *testing.T, limit int) []demo.Row {
	t.Helper()
	rows, err := demo.ReadRows(applicantsFile, mappingFile, limit)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(rows, func(r demo.Row) bool { return r.TermMonths > 60 })
}

// crowdOf is every row of the file some times over, as other people, in an order of the seed.
func crowdOf(t *testing.T, seed uint64, times int) []demo.Row {
	t.Helper()
	var all []demo.Row
	for i := range times {
		for _, r := range rows(t, 0) {
			r.Number += i * 1000
			all = append(all, r)
		}
	}
	chance := rand.New(rand.NewPCG(seed, 3))
	chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// campaignOn runs a plan in a world of its own.
func campaignOn(t *testing.T, dsn string, plan Plan) (*campaign, error) {
	t.Helper()
	dir := t.TempDir()
	if os.Getenv("HENGDAI_KILL_KEEP") != "" {
		var err error
		if dir, err = os.MkdirTemp("", "hengdai-kill-world-"); err != nil {
			t.Fatal(err)
		}
		t.Logf("kept: %s", dir)
	}
	w, err := world.Start(t.Context(), dir, program, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	plan.Progress = t.Output()
	return run(t.Context(), w, plan)
}

func TestKilledServicesLoseNothingThatWasAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: a world takes half a minute; leave -short away")
	}
	c, err := campaignOn(t, "", Plan{
		Seed: 1, Victims: []string{"loan", "payment", "user", "notify", "gateway", "loan"}, Stopped: []string{"risk"}, StopFor: 6 * time.Second,
		Payers: 9, AtOnce: 3, Rows: rows(t, 200),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.findsWhatIsGone(t)
}

// findsWhatIsGone: had an answer named something that is not there, or somebody else's, reading back would say so.
func (c *campaign) findsWhatIsGone(t *testing.T) {
	t.Helper()
	tried := map[string]bool{}
	for _, y := range c.crowd.book.all() {
		switch res := proto.Clone(y.res).(type) {
		case *userv1.LoginResponse:
			res.UserId += 1024
			y.res = res
		case *userv1.BankCard:
			res.CardId += 1024
			y.res = res
		case *loanv1.Application:
			res.ApplicationId += 1024
			y.res = res
		case *loanv1.Contract:
			res.Hash += "0"
			y.res = res
		case *loanv1.SignResponse:
			res.LoanId += 1024
			y.res = res
		case *loanv1.Repayment:
			res.RepaymentId += 1024
			y.res = res
		default:
			continue
		}
		name := fmt.Sprintf("%T", y.res)
		if tried[name] {
			continue
		}
		tried[name] = true
		if kind, _, err := c.readBack(t.Context(), y); err == nil {
			t.Errorf("a %s that is not there was read back", kind)
		}
	}
	if len(tried) != 6 {
		t.Errorf("only %d kinds of answers were met", len(tried))
	}
}

// TestCampaign is the long one, behind make kill. HENGDAI_KILL_REPORT names the page that it writes.
func TestCampaign(t *testing.T) {
	page := os.Getenv("HENGDAI_KILL_REPORT")
	if page == "" {
		t.Skip("make kill runs the whole campaign")
	}
	seed := number(t, "HENGDAI_KILL_SEED", 1)
	kills := number(t, "HENGDAI_KILL_MOMENTS", 50)
	var results []*Result
	for _, engine := range strings.Fields(cmp.Or(os.Getenv("HENGDAI_KILL_ENGINES"), "sqlite mysql")) {
		t.Run(engine, func(t *testing.T) {
			dsn := ""
			if engine == "mysql" {
				if dsn = os.Getenv("HENGDAI_TEST_MYSQL_DSN"); dsn == "" {
					t.Fatal("HENGDAI_TEST_MYSQL_DSN is not set: start a server with scripts/mariadb.sh")
				}
			}
			c, err := campaignOn(t, dsn, Plan{
				Seed: seed, Victims: Order(seed, int(kills)), Stopped: []string{"notify", "risk"}, StopFor: 30 * time.Second, Payers: 150, AtOnce: 4, Rows: crowdOf(t, seed, 3),
			})
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, c.result)
		})
	}
	if t.Failed() {
		return
	}
	if err := os.WriteFile(page, []byte(Page(os.Getenv("HENGDAI_KILL_MACHINE"), results)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
