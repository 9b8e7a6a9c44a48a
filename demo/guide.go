package demo

import (
	"context"
	"errors"
	"time"

	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
)

// Guide leads applicants and staff step by step, for a package that decides by itself what happens when.
type Guide struct{ run *Run }

// Meet signs the staff in and makes the people of the rows known to the parties.
func Meet(ctx context.Context, options Options) (*Guide, error) {
	g := &Guide{run: newRun(options)}
	if err := g.run.staffSignsIn(g.patient(ctx)); err != nil {
		return nil, err
	}
	return g, g.run.enrol(g.patient(ctx))
}

// patient makes everybody wait as long as the options say.
func (g *Guide) patient(ctx context.Context) context.Context {
	return context.WithValue(ctx, patienceKey{}, max(1, g.run.Patience))
}

type patienceKey struct{}

func patienceOf(ctx context.Context) int {
	if times, ok := ctx.Value(patienceKey{}).(int); ok {
		return times
	}
	return 1
}

// Applicants are the people of the rows, in their order.
func (g *Guide) Applicants() []*Applicant {
	all := make([]*Applicant, len(g.run.applicants))
	for i, a := range g.run.applicants {
		all[i] = &Applicant{a: a, guide: g}
	}
	return all
}

// Today asks which business date is open.
func (g *Guide) Today(ctx context.Context) (string, error) {
	return g.run.businessDate(g.patient(ctx))
}

// Travel moves the sandbox calendar by days, as the operator does, and answers the date that is reached.
func (g *Guide) Travel(ctx context.Context, days int) (string, error) {
	today, err := g.Today(ctx)
	if err != nil {
		return "", err
	}
	to := shift(today, days)
	return to, g.run.travel(g.patient(ctx), to)
}

// Review lets the reviewer decide every review that is free.
func (g *Guide) Review(ctx context.Context) error {
	desk := g.run.reviewer
	loans := loanv1connect.NewStaffClient(desk.phone.http, desk.base, desk.over...)
	return desk.signedIn(g.patient(ctx), func() error { return desk.clear(ctx, loans) })
}

// Reviewer does an act as the reviewer, signed in.
func (g *Guide) Reviewer(ctx context.Context, act func(loans loanv1connect.StaffClient) error) error {
	desk := g.run.reviewer
	return desk.signedIn(g.patient(ctx), func() error {
		return act(loanv1connect.NewStaffClient(desk.phone.http, desk.base, desk.over...))
	})
}

// Applicant is one person whom a guide leads.
type Applicant struct {
	a     *applicant
	guide *Guide
}

// Number is that of his row.
func (p *Applicant) Number() int { return p.a.row.Number }

// Card is the number of his card.
func (p *Applicant) Card() string { return p.a.person.Cards[0].CardNo }

// ApplicationID is his application; zero before there is one.
func (p *Applicant) ApplicationID() int64 { return p.a.applicationID }

// LoanID is his loan; zero before there is one.
func (p *Applicant) LoanID() int64 { return p.a.loanID }

// Users is how his phone reaches the lender.
func (p *Applicant) Users() userv1connect.PublicClient { return p.a.users }

// Loans is how his phone reaches the lender.
func (p *Applicant) Loans() loanv1connect.PublicClient { return p.a.loans }

// Enter registers him and has him identified.
func (p *Applicant) Enter(ctx context.Context) error {
	ctx = p.guide.patient(ctx)
	if err := p.a.register(ctx); err != nil {
		return err
	}
	return p.SignedIn(ctx, func() error { return p.a.identify(ctx) })
}

// Apply quotes and applies.
func (p *Applicant) Apply(ctx context.Context) error {
	ctx = p.guide.patient(ctx)
	return p.SignedIn(ctx, func() error { return p.a.apply(ctx) })
}

// Decided waits for the decision.
func (p *Applicant) Decided(ctx context.Context) error {
	ctx = p.guide.patient(ctx)
	return p.SignedIn(ctx, func() error { return p.a.decided(ctx) })
}

// Take reads, confirms and signs, and waits for the money.
func (p *Applicant) Take(ctx context.Context) error {
	ctx = p.guide.patient(ctx)
	err := p.SignedIn(ctx, func() error { return p.a.sign(ctx) })
	if err != nil {
		return err
	}
	if err := p.SignedIn(ctx, func() error { return p.a.running(ctx) }); err != nil {
		return err
	}
	return p.a.paidOut(ctx)
}

// Repay tries a repayment of a kind ("due", "payoff"), pays what the trial said, waits until it is booked and compares.
func (p *Applicant) Repay(ctx context.Context, kind, key string) error {
	ctx = p.guide.patient(ctx)
	done, err := p.a.repay(ctx, kind, key, "")
	if done || err != nil {
		return err
	}
	return until(ctx, "the repayment did not end", 30*time.Second, func() (bool, error) { return p.a.repay(ctx, kind, key, "") })
}

// Fill states what his account at the bank holds: enough for everything, or nothing.
func (p *Applicant) Fill(ctx context.Context, enough bool) error {
	balance := int64(0)
	if enough {
		balance = ample
	}
	return p.a.bank.setBalance(ctx, p.Card(), balance)
}

// Leave closes his connections; he may come back.
func (p *Applicant) Leave() { p.a.phone.http.CloseIdleConnections() }

// SignedIn does the act, and signs in again first if the session has ended.
func (p *Applicant) SignedIn(ctx context.Context, act func() error) error {
	return p.a.signedIn(p.guide.patient(ctx), act)
}

// RefusedBy answers the rule that refused an applicant, if that is what the error says.
func RefusedBy(err error) (rule string, ok bool) {
	var refused *refusedError
	if !errors.As(err, &refused) {
		return "", false
	}
	return refused.reason, true
}
