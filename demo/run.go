package demo

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/sandbox/people"
)

// Options is what a run needs to know of the running program: its addresses, nothing of its inside.
type Options struct {
	// Base is the gateway's HTTPS address; Roots trusts its certificate.
	Base  string
	Roots *x509.CertPool
	// Sandbox is the address of the sandbox's control surface.
	Sandbox string
	// StaffFile holds the sandbox's staff.
	StaffFile string
	// Rows are the applicants; Seed fixes names, numbers and behaviour.
	Rows []Row
	Seed uint64
	// At once: how many applicants are under way together.
	AtOnce int
	// Days stops the calendar early; zero: when every loan has ended or aged.
	Days int
	// Progress is where a person sees that it goes on.
	Progress io.Writer
	// Over goes over every call of applicants and staff; Patience multiplies how long they wait, for a system in trouble.
	Over     []connect.ClientOption
	Patience int
}

// Run is one run of the demo, and then its result.
type Run struct {
	Options
	started    time.Time
	applicants []*applicant
	operator   *colleague
	finance    *colleague
	reviewer   *reviewer
	today      string
	days       int
	phases     []phase
	future     *diary
}

// phase is a part of the run with its time.
type phase struct {
	name string
	took time.Duration
}

// Do takes every applicant from registration to the end of his loan. It fails only when the program does not do what
// it promises; a refusal is an outcome.
func Do(ctx context.Context, options Options) (*Run, error) {
	run := &Run{Options: options, started: clock.Real()}
	if run.AtOnce == 0 {
		run.AtOnce = 8
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"staff signs in", run.staffSignsIn},
		{"people are enrolled at the parties", run.enrol},
		{"applicants register, are decided, sign and are paid", run.lend},
		{"the calendar runs", run.live},
	} {
		from := clock.Real()
		if err := step.do(ctx); err != nil {
			return run, fmt.Errorf("%s: %w", step.name, err)
		}
		run.phases = append(run.phases, phase{name: step.name, took: clock.Since(from)})
	}
	return run, nil
}

func (r *Run) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Progress, "%6.1fs  "+format+"\n", append([]any{clock.Since(r.started).Seconds()}, args...)...)
}

func (r *Run) staffSignsIn(ctx context.Context) error {
	var logins map[string]login
	err := until(ctx, "the sandbox's staff was not made", 20*time.Second, func() (bool, error) {
		var err error
		logins, err = readLogins(r.StaffFile)
		return err == nil, err
	})
	if err != nil {
		return err
	}
	r.operator = newColleague(r.Options, 1, logins["operator"])
	r.finance = newColleague(r.Options, 2, logins["finance"])
	r.reviewer = &reviewer{colleague: newColleague(r.Options, 3, logins["reviewer"])}
	group, inner := errgroup.WithContext(ctx)
	for _, c := range []*colleague{r.operator, r.finance, r.reviewer.colleague} {
		group.Go(func() error { return c.signIn(inner) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	r.today, err = r.businessDate(ctx)
	return err
}

// enrol makes the people of the rows known to the sandbox: the identity bureau and their banks.
func (r *Run) enrol(ctx context.Context) error {
	today, err := time.Parse(time.DateOnly, r.today)
	if err != nil {
		return err
	}
	control := &controlClient{base: r.Sandbox, http: newPhone(0xE000, r.Roots).http}
	var persons []people.Person
	for _, row := range r.Rows {
		person := personOf(r.Seed, row, today)
		mobile := newPhone(row.Number, r.Roots)
		persons = append(persons, person)
		r.applicants = append(r.applicants, &applicant{
			row: row, person: person, behaviour: behaviourOf(r.Seed, row), bank: bank{control}, phone: mobile,
			users: userv1connect.NewPublicClient(mobile.http, r.Base, r.Over...), loans: loanv1connect.NewPublicClient(mobile.http, r.Base, r.Over...),
			device: fmt.Sprintf("demo-device-%d-%d", r.Seed, row.Number),
		})
	}
	return bank{control}.enrol(ctx, persons)
}

// lend takes every applicant to his money or his refusal, while a reviewer decides what the machine hands to a person.
func (r *Run) lend(ctx context.Context) error {
	desk, closeDesk := context.WithCancel(ctx)
	defer closeDesk()
	var working sync.WaitGroup
	var deskErr error
	working.Go(func() { deskErr = r.reviewer.work(desk) })

	var done atomic.Int64
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(r.AtOnce)
	for _, a := range r.applicants {
		group.Go(func() error {
			if err := a.borrow(inner); err != nil {
				return fmt.Errorf("applicant %d: %w", a.row.Number, err)
			}
			if n := done.Add(1); n%50 == 0 || int(n) == len(r.applicants) {
				r.say("%d of %d applicants have their answer", n, len(r.applicants))
			}
			return nil
		})
	}
	err := group.Wait()
	closeDesk()
	working.Wait()
	return errors.Join(err, deskErr)
}

// borrow is one applicant's way to his money, or to the name of the rule that refused him.
func (a *applicant) borrow(ctx context.Context) error {
	steps := []func(context.Context) error{
		a.register, a.identify, a.apply, a.decided, a.sign, a.paidOut,
	}
	for _, step := range steps {
		err := step(ctx)
		var refused *refusedError
		if errors.As(err, &refused) {
			a.refusal = refused.reason
			a.phone.http.CloseIdleConnections()
			return nil
		}
		if err != nil {
			return err
		}
	}
	defer a.phone.http.CloseIdleConnections()
	balance := ample
	if a.behaviour.Kind == StopsPaying && a.behaviour.From <= 1 {
		balance = 0
	}
	return a.bank.setBalance(ctx, a.person.Cards[0].CardNo, balance)
}

// live moves the calendar day by day: accounts are settled on the eve, the night closes the books, people act by day.
func (r *Run) live(ctx context.Context) error {
	r.future = &diary{eve: map[string][]act{}, day: map[string][]act{}}
	open := 0
	for _, a := range r.applicants {
		if a.state == "REPAYING" {
			r.future.plan(a)
			open++
		}
	}
	r.say("%d loans are running; the calendar stands at %s", open, r.today)
	for open > 0 && (r.Days == 0 || r.days < r.Days) {
		most := countEvery - r.days%countEvery
		if r.Days > 0 {
			most = min(most, r.Days-r.days)
		}
		if err := r.pass(ctx, most); err != nil {
			return err
		}
		if r.days%countEvery == 0 {
			var err error
			if open, err = r.stillOpen(ctx); err != nil {
				return err
			}
			r.say("%s: %d loans still running", r.today, open)
		}
	}
	return nil
}

// countEvery is after how many days the loans are counted.
const countEvery = 30

// pass goes to the next date for which the diary holds something, at most so many days on, and does what is in it.
func (r *Run) pass(ctx context.Context, most int) error {
	to := shift(r.today, 1)
	days := 1
	for ; days < most && len(r.future.day[to]) == 0 && len(r.future.eve[shift(to, 1)]) == 0; days++ {
		to = shift(to, 1)
	}
	if err := r.all(ctx, r.future.eve[shift(r.today, 1)]); err != nil {
		return err
	}
	if err := r.travel(ctx, to); err != nil {
		return fmt.Errorf("move to %s: %w", to, err)
	}
	r.today = to
	r.days += days
	return r.all(ctx, r.future.day[to])
}

// Pass lets so many more days pass after a run.
func (r *Run) Pass(ctx context.Context, days int) error {
	for end := r.days + days; r.days < end; {
		if err := r.pass(ctx, end-r.days); err != nil {
			return err
		}
	}
	return nil
}

// all lets everybody in the diary act, some at once.
func (r *Run) all(ctx context.Context, acts []act) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.AtOnce)
	for _, a := range acts {
		group.Go(func() error {
			if err := a.do(ctx, a.who); err != nil {
				return fmt.Errorf("applicant %d on %s: %w", a.who.row.Number, r.today, err)
			}
			return nil
		})
	}
	return group.Wait()
}
