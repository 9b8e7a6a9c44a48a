package demo

import (
	"cmp"
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
	// From is the date on which the applicants come, by default the next one; Until stops the calendar on a date, and goes
	// before Days. With both two runs have the same calendar.
	From, Until string
	// Faults is the plan of the payment channels; empty: NoFaults.
	Faults string
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
	control    *controlClient
	from       string
	today      string
	future     *diary
	// waiting are those whose payout is not known yet, carried the acts that could not be ended on their day.
	waiting []*applicant
	carried []act
	met     Met
	phases  []phase
}

// calendarRuns names the phase in which time passes.
const calendarRuns = "the calendar runs"

// phase is a part of the run with its time.
type phase struct {
	name string
	took time.Duration
}

func newRun(options Options) *Run {
	run := &Run{Options: options, started: clock.Real()}
	run.AtOnce, run.Faults = cmp.Or(run.AtOnce, 8), cmp.Or(run.Faults, NoFaults)
	run.control = &controlClient{base: run.Sandbox, http: newPhone(0xE000, run.Roots).http}
	return run
}

// Do takes every applicant from registration to the end of his loan. It fails only when the program does not do what
// it promises; a refusal is an outcome.
func Do(ctx context.Context, options Options) (*Run, error) {
	run := newRun(options)
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"staff signs in", run.staffSignsIn},
		{"the first date comes", run.begin},
		{"people are enrolled at the parties", run.enrol},
		{"applicants register, are decided and sign", run.lend},
		{"they are paid", run.pay},
		{calendarRuns, run.live},
		{"the faults end", run.end},
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

// begin moves to the date on which the applicants come, so that no run depends on the hour at which it was started.
func (r *Run) begin(ctx context.Context) error {
	r.from = cmp.Or(r.From, shift(r.today, 1))
	if r.from < r.today {
		return fmt.Errorf("it is %s already, the applicants were to come on %s", r.today, r.from)
	}
	if r.Until == "" && r.Days > 0 {
		r.Until = shift(r.from, r.Days)
	}
	if err := r.travel(ctx, r.from); err != nil {
		return err
	}
	r.today = r.from
	return nil
}

// enrol makes the people of the rows known to the sandbox: the identity bureau and their banks.
func (r *Run) enrol(ctx context.Context) error {
	today, err := time.Parse(time.DateOnly, r.today)
	if err != nil {
		return err
	}
	var persons []people.Person
	for _, row := range r.Rows {
		person := personOf(r.Seed, row, today)
		mobile := newPhone(row.Number, r.Roots)
		persons = append(persons, person)
		r.applicants = append(r.applicants, &applicant{
			row: row, person: person, behaviour: behaviourOf(r.Seed, row), bank: bank{r.control}, patient: r.Faults == AcrossMidnight, phone: mobile,
			users: userv1connect.NewPublicClient(mobile.http, r.Base, r.Over...), loans: loanv1connect.NewPublicClient(mobile.http, r.Base, r.Over...),
			device: fmt.Sprintf("demo-device-%d-%d", r.Seed, row.Number),
		})
	}
	if err := (bank{r.control}).enrol(ctx, persons); err != nil {
		return err
	}
	return r.setFaults(ctx, r.Faults)
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

// borrow is one applicant's way to his contract, or to the name of the rule that refused him.
func (a *applicant) borrow(ctx context.Context) error {
	defer a.phone.http.CloseIdleConnections()
	for _, step := range []func(context.Context) error{a.register, a.identify, a.apply, a.decided, a.sign} {
		err := step(ctx)
		var refused *refusedError
		if errors.As(err, &refused) {
			a.refusal = refused.reason
			break
		}
		if err != nil {
			return err
		}
	}
	if a.row.TermMonths > legalMonths && a.refusal != termRule {
		return fmt.Errorf("he asked for %d months and was not refused by %s but by %q", a.row.TermMonths, termRule, a.refusal)
	}
	return nil
}

// A consumer loan may run legalMonths; who asks for more is refused by termRule.
const (
	legalMonths = 60
	termRule    = "term.above_legal_maximum.R34"
)

// pay waits for the money of those who signed.
func (r *Run) pay(ctx context.Context) error {
	r.future = &diary{evening: map[string][]act{}, day: map[string][]act{}}
	for _, a := range r.applicants {
		if a.loanID != 0 {
			r.waiting = append(r.waiting, a)
		}
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.paid(ctx); err != nil {
		return err
	}
	running := 0
	for _, a := range r.applicants {
		if a.state == "REPAYING" {
			running++
		}
	}
	r.say("%d loans are running, %d payouts are under way; the calendar stands at %s", running, len(r.waiting), r.today)
	r.planReturns()
	return nil
}

// patience is for how many days something may stay open when faults cross midnight.
const patience = 7

// paid looks who of those that wait has his money now. Only faults across midnight may keep it from being known.
func (r *Run) paid(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(r.AtOnce)
	for _, a := range r.waiting {
		group.Go(func() error {
			if err := a.paidOut(inner); err != nil {
				return fmt.Errorf("applicant %d: %w", a.row.Number, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var still []*applicant
	for _, a := range r.waiting {
		switch {
		case a.underWay():
			still = append(still, a)
		case a.state == "REPAYING":
			r.future.plan(a)
		}
	}
	r.waiting = still
	if len(still) > 0 && (r.Faults != AcrossMidnight || r.today > shift(r.from, patience)) {
		return fmt.Errorf("loan %d of applicant %d and %d others were not paid out by %s", still[0].loanID, still[0].row.Number, len(still)-1, r.today)
	}
	return nil
}
