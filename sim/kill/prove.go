package kill

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3/driver"
	"golang.org/x/sync/errgroup"

	"github.com/hengdai/hengdai/demo/invariant"
)

// Proof is what was looked at in the end.
type Proof struct {
	// Read back, by kind of request; Asked again with their keys.
	Read  map[string]int
	Again int
	// Payouts and Collections are what the parties' journal says that they did.
	Payouts, Collections int
	// Invariants of the raw books that hold.
	Invariants int
}

// prove reads back what was acknowledged, closes one more day, and judges the parties' journal and the books.
func (c *campaign) prove(ctx context.Context) error {
	c.result.Load = c.crowd.load()
	p := &c.result.Proof
	p.Read = map[string]int{}
	var mu sync.Mutex
	var wrong []error
	group := errgroup.Group{}
	group.SetLimit(4)
	for _, y := range c.crowd.book.all() {
		group.Go(func() error {
			kind, again, err := c.readBack(ctx, y)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%w: an acknowledged %s: %w", errProof, kind, err))
			}
			p.Read[kind]++
			if again {
				p.Again++
			}
			return nil
		})
	}
	_ = group.Wait() // errors are collected
	c.say("%d acknowledged writes were read back, %d of them asked again with their keys; wrong: %d", len(c.crowd.book.all()), p.Again, len(wrong))
	if err := c.crowd.travel(ctx, 1); err != nil {
		return errors.Join(append(wrong, err)...)
	}
	wrong = append(wrong, c.parties(ctx), c.limbo(ctx), c.judge(ctx))
	return errors.Join(wrong...)
}

// effect is a line of the parties' journal.
type effect struct {
	Kind        string `json:"kind"`
	RequestNo   string `json:"request_no"`
	CardNo      string `json:"card_no"`
	AmountMinor int64  `json:"amount_minor"`
	Status      string `json:"status"`
}

// effects are what the parties did to money, by their own journal.
func (c *campaign) effects(ctx context.Context) ([]effect, error) {
	var all []effect
	for after, more := int64(0), true; more; {
		var page struct {
			Rows []effect `json:"rows"`
			Next int64    `json:"next"`
			More bool     `json:"more"`
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/control/journal?after=%d&limit=10000", c.w.Sandbox(), after), http.NoBody)
		if err != nil {
			return nil, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return nil, err
		}
		for _, e := range page.Rows {
			if e.Status == "SUCCESS" {
				all = append(all, e)
			}
		}
		after, more = page.Next, page.More
	}
	return all, nil
}

// parties sees that everybody who has a loan was paid once, everybody else never, and that nothing was taken twice for
// one request.
func (c *campaign) parties(ctx context.Context) error {
	all, err := c.effects(ctx)
	if err != nil {
		return err
	}
	requests, payouts := map[string]int{}, map[string]int{}
	for _, e := range all {
		switch e.Kind {
		case "PAYOUT":
			payouts[e.CardNo]++
			c.result.Proof.Payouts++
		case "COLLECT":
			c.result.Proof.Collections++
		default:
			continue
		}
		if requests[e.RequestNo]++; requests[e.RequestNo] > 1 {
			err = errors.Join(err, fmt.Errorf("%w: request %s was carried out %d times", errProof, e.RequestNo, requests[e.RequestNo]))
		}
	}
	for _, p := range c.crowd.people {
		want := 0
		if p.LoanID() != 0 {
			want = 1
		}
		if payouts[p.Card()] != want {
			err = errors.Join(err, fmt.Errorf("%w: applicant %d was paid out %d times, want %d", errProof, p.Number(), payouts[p.Card()], want))
		}
	}
	return err
}

// unfinished are what may not be there when everybody has come to the end of his way.
var unfinished = []struct{ service, of, query string }{
	{"payment", "orders on their way", "SELECT COUNT(*) FROM payment_order WHERE state NOT IN ('PAID', 'REJECTED', 'CANCELLED', 'RETURNED')"},
	{"payment", "attempts on their way", "SELECT COUNT(*) FROM payment_attempt WHERE state NOT IN ('SUCCESS', 'FAILED_FINAL', 'RETURNED')"},
	{"loan", "orders that wait", "SELECT COUNT(*) FROM payment_order WHERE state = 'PENDING'"},
	{"loan", "loans that wait for money", "SELECT COUNT(*) FROM loan WHERE state IN ('AWAITING_DISBURSEMENT', 'DISBURSING')"},
	{"loan", "applications that wait", "SELECT COUNT(*) FROM application WHERE state IN ('SUBMITTED', 'DECIDING', 'MANUAL_REVIEW', 'SIGNED')"},
	{"user", "identity checks that wait", "SELECT COUNT(*) FROM identity_check WHERE state = 'CHECKING'"},
}

func (c *campaign) limbo(ctx context.Context) error {
	var wrong error
	for _, u := range unfinished {
		n, err := c.count(ctx, u.service, u.query)
		if err == nil && n > 0 {
			err = fmt.Errorf("%w: %s has %d %s", errProof, u.service, n, u.of)
		}
		wrong = errors.Join(wrong, err)
	}
	return wrong
}

func (c *campaign) count(ctx context.Context, service, query string) (int64, error) {
	engine, source := c.w.Books(service)
	var db *sql.DB
	var err error
	if engine == "mysql" {
		var cfg *mysql.Config
		if cfg, err = mysql.ParseDSN(source); err != nil {
			return 0, err
		}
		db, err = sql.Open("mysql", cfg.FormatDSN())
	} else {
		file := url.URL{Scheme: "file", OmitHost: true, Path: source, RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}
		db, err = driver.Open(file.String())
	}
	if err != nil {
		return 0, err
	}
	var n int64
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, errors.Join(err, db.Close())
}

// judge has the raw books of all services and of the parties examined.
func (c *campaign) judge(ctx context.Context) error {
	books, err := invariant.Open(ctx, c.w.Books)
	if err != nil {
		return err
	}
	defer func() { _ = books.Close() }()
	found, err := books.Check(ctx)
	if err != nil {
		return err
	}
	broken := found.Write(c.Progress)
	c.result.Proof.Invariants = len(invariant.Names()) - broken
	if broken > 0 {
		return fmt.Errorf("%w: invariants %v", errProof, found.Broken())
	}
	return nil
}
