package kill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/clock"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
)

// Stall is half a minute in which a service stood still, or none did.
type Stall struct {
	// Service stood still; empty: none.
	Service string
	// Answer is how long a borrower waited for the answer to his repayment, Booked until he read that it is booked.
	Answer, Booked Times
	// Failed repayments had another answer than yes.
	Failed int
	// Apply is how long an applicant waited for his answer; Waiting of Applied were undecided when the service went on, and
	// all were decided so long after that.
	Apply            Times
	Applied, Waiting int
	Decided          time.Duration
}

// Times are durations as they were met.
type Times []time.Duration

// Of answers a percentile: the time that so many of a hundred did not exceed.
func (t Times) Of(percent int) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[(len(sorted)*percent+99)/100-1]
}

const applicantsPerStall = 6

// stalls measures repayments with nothing stopped, and then while each of the services stands still.
func (c *campaign) stalls(ctx context.Context) error {
	if len(c.Stopped) == 0 {
		return nil
	}
	reviews, noMoreReviews := context.WithCancel(ctx)
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return c.crowd.review(reviews) })
	group.Go(func() error {
		defer noMoreReviews()
		share := c.crowd.payers() / (2*len(c.Stopped) + 1) // the quiet time gets half as many
		for i, service := range append([]string{""}, c.Stopped...) {
			s, err := c.stall(inner, service, c.crowd.takePaid(share*min(i+1, 2)))
			if err != nil {
				return fmt.Errorf("while %q stood still: %w", service, err)
			}
			c.say("%q stood still: %d repayments, answered p99 %d ms, booked p99 %d ms; %d of %d applications waited, decided %d ms after",
				service, len(s.Answer), s.Answer.Of(99).Milliseconds(), s.Booked.Of(99).Milliseconds(), s.Waiting, s.Applied, s.Decided.Milliseconds())
			if service == "" {
				c.result.Quiet = s
			} else {
				c.result.Stalls = append(c.result.Stalls, s)
			}
		}
		return nil
	})
	defer noMoreReviews()
	return group.Wait()
}

func (c *campaign) stall(ctx context.Context, service string, payers []*demo.Applicant) (Stall, error) {
	s := Stall{Service: service}
	if len(payers) == 0 {
		return s, errors.New("nobody has a loan to repay")
	}
	newcomers, err := c.newcomers(ctx)
	if err != nil {
		return s, err
	}
	for _, p := range payers {
		if err := errors.Join(p.Fill(ctx, true), p.SignedIn(ctx, func() error { _, err := p.Loans().ListLoans(ctx, &loanv1.ListLoansRequest{}); return err })); err != nil {
			return s, err
		}
	}
	if service != "" {
		if err := c.w.Freeze(ctx, service); err != nil {
			return s, err
		}
	}
	var mu sync.Mutex
	group, inner := errgroup.WithContext(ctx)
	over := clock.Real().Add(c.StopFor)
	group.Go(func() error { return c.payAll(inner, payers, &s, &mu) })
	applied := make(chan error, 1)
	go func() { applied <- c.applyAll(inner, newcomers, &s, &mu) }()
	if err := errors.Join(clock.Sleep(ctx, over.Sub(clock.Real())), <-applied); err != nil {
		return s, errors.Join(err, group.Wait())
	}
	for _, p := range newcomers {
		app, err := p.Loans().GetApplication(ctx, &loanv1.GetApplicationRequest{ApplicationId: max(1, p.ApplicationID())})
		if err == nil && (app.GetState() == "DECIDING" || app.GetState() == "SUBMITTED") {
			s.Waiting++
		}
	}
	if service != "" {
		if err := c.w.Thaw(service); err != nil {
			return s, err
		}
	}
	thawed := clock.Real()
	if err := group.Wait(); err != nil {
		return s, err
	}
	if service == "risk" && s.Waiting != s.Applied {
		err = errors.Join(err, fmt.Errorf("%w: %d of %d applications waited for risk", errProof, s.Waiting, s.Applied))
	}
	if s.Failed > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d repayments had no answer or another than yes", errProof, s.Failed))
	}
	return s, errors.Join(err, c.finish(ctx, newcomers, &s, thawed))
}

// newcomers registers and identifies people who will apply during the stall.
func (c *campaign) newcomers(ctx context.Context) ([]*demo.Applicant, error) {
	var all []*demo.Applicant
	for range applicantsPerStall {
		at := int(c.crowd.next.Add(1)) - 1
		if at >= len(c.crowd.people) {
			return nil, errors.New("nobody is left to come: the campaign needs more applicants")
		}
		p := c.crowd.people[at]
		if err := errors.Join(c.crowd.enter(as(ctx, p), p), p.Fill(ctx, true)); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// payAll has each payer repay twice, spread over the time, without asking again.
func (c *campaign) payAll(ctx context.Context, payers []*demo.Applicant, s *Stall, mu *sync.Mutex) error {
	var all sync.WaitGroup
	defer all.Wait()
	gap := c.StopFor / time.Duration(2*len(payers)+2)
	for _, kind := range []string{"due", "payoff"} {
		for _, p := range payers {
			all.Go(func() {
				answer, booked, err := repayOnce(as(ctx, p), p, kind)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					s.Failed++
					c.say("repayment (%s) of loan %d: %v", kind, p.LoanID(), err)
				case answer > 0:
					s.Answer, s.Booked = append(s.Answer, answer), append(s.Booked, booked)
				}
			})
			if err := clock.Sleep(ctx, gap); err != nil {
				return err
			}
		}
		all.Wait() // a loan takes one repayment at a time
	}
	return nil
}

// repayOnce tries a repayment, asks for it once and reads until it is booked. Times are zero if nothing was to be paid.
func repayOnce(ctx context.Context, p *demo.Applicant, kind string) (answer, booked time.Duration, err error) {
	loans := p.Loans()
	trial, err := loans.TrialRepayment(once(ctx), &loanv1.TrialRepaymentRequest{LoanId: p.LoanID(), Kind: kind})
	if rule := ruleOf(err); rule == "repayment.nothing_due" || rule == "loan.state" {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("trial: %w", err)
	}
	from := clock.Real()
	paid, err := loans.Repay(once(ctx), &loanv1.RepayRequest{
		LoanId: p.LoanID(), Kind: kind, AmountMinor: trial.GetAmountMinor(), IdempotencyKey: fmt.Sprintf("stall-%s-%d", kind, p.Number()),
	})
	if err != nil {
		return 0, 0, err
	}
	answer = clock.Since(from)
	for paid.GetState() == "PENDING" {
		if clock.Since(from) > time.Minute || clock.Sleep(ctx, 10*time.Millisecond) != nil {
			return 0, 0, errors.New("it was not booked within a minute")
		}
		if paid, err = loans.GetRepayment(once(ctx), &loanv1.GetRepaymentRequest{RepaymentId: paid.GetRepaymentId()}); err != nil {
			return 0, 0, err
		}
	}
	if paid.GetState() != "PAID" {
		err = fmt.Errorf("it ended as %s (%s)", paid.GetState(), paid.GetReason())
	}
	return answer, clock.Since(from), err
}

// applyAll has the newcomers apply, spread over the time.
func (c *campaign) applyAll(ctx context.Context, newcomers []*demo.Applicant, s *Stall, mu *sync.Mutex) error {
	group, ctx := errgroup.WithContext(ctx)
	gap := c.StopFor / time.Duration(2*len(newcomers)) // the last applies at half time
	for _, p := range newcomers {
		group.Go(func() error {
			from := clock.Real()
			err := p.Apply(as(ctx, p))
			if _, refused := demo.RefusedBy(err); refused {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			s.Apply = append(s.Apply, clock.Since(from))
			s.Applied++
			return err
		})
		if err := clock.Sleep(ctx, gap); err != nil {
			return errors.Join(err, group.Wait())
		}
	}
	return group.Wait()
}

// finish sees every newcomer decided, and those who were approved to their money.
func (c *campaign) finish(ctx context.Context, newcomers []*demo.Applicant, s *Stall, thawed time.Time) error {
	var approved []*demo.Applicant
	for _, p := range newcomers {
		if p.ApplicationID() == 0 {
			continue
		}
		err := p.Decided(as(ctx, p))
		if _, refused := demo.RefusedBy(err); err != nil && !refused {
			return fmt.Errorf("application %d: %w", p.ApplicationID(), err)
		} else if !refused {
			approved = append(approved, p)
		}
	}
	s.Decided = clock.Since(thawed)
	for _, p := range approved {
		if err := p.Take(as(ctx, p)); err != nil {
			return fmt.Errorf("application %d: %w", p.ApplicationID(), err)
		}
	}
	return nil
}
