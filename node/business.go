package node

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	collectionv1 "github.com/hengdai/hengdai/api/collection/v1"
	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	eventlog "github.com/hengdai/hengdai/kit/log"
)

// business counts what the house does: each event once, when the service that writes it has committed it.
type business struct {
	applications, decisions, reasons, loans, lent, repaid, orders, moved, overdue, cases, messages, people, days *tally
}

func newBusiness(into prometheus.Registerer) (*business, error) {
	var failed error
	counter := func(name, help string, labels ...string) *tally {
		t := &tally{vec: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "hengdai", Name: name, Help: help}, labels), seen: make([]map[string]bool, len(labels))}
		if err := into.Register(t.vec); err != nil && failed == nil {
			failed = err
		}
		return t
	}
	b := &business{
		applications: counter("applications_total", "Applications that entered a state, with the reason of a refusal, cancellation or expiry.", "state", "reason"),
		decisions:    counter("decisions_total", "Decisions of risk by outcome and grade.", "outcome", "grade"),
		reasons:      counter("decision_reasons_total", "Reason codes in decisions of risk.", "reason"),
		loans:        counter("loans_total", "Loans that entered a state.", "state"),
		lent:         counter("disbursed_minor_total", "Principal paid out in fen, by product.", "product"),
		repaid:       counter("repaid_minor_total", "Money repaid in fen, by what it paid.", "part"),
		orders:       counter("orders_settled_total", "Payment orders that reached an end, by kind, outcome, reason and channel.", "kind", "outcome", "reason", "channel"),
		moved:        counter("orders_settled_minor_total", "Money of the payment orders that reached an end, in fen.", "kind", "outcome", "channel"),
		overdue:      counter("overdue_moves_total", "Loans that entered a bucket of days past due.", "bucket"),
		cases:        counter("cases_total", "Cases of collection that entered a state.", "state"),
		messages:     counter("messages_total", "Messages that entered a state; REFUSED_BY_GUARD is a contact that the law's guard held back.", "channel", "state", "reason"),
		people:       counter("people_total", "What people did at the door: registered, logged_in, identified, refused, bound_card.", "what"),
		days:         counter("days_closed_total", "Business dates on which both journals agreed and that were closed."),
	}
	b.zero()
	return b, failed
}

// zero shows the series whose first change matters before there is one.
func (b *business) zero() {
	b.days.add(0)
	for _, part := range []string{"principal", "interest", "penalty", "fee", "unapplied"} {
		b.repaid.add(0, part)
	}
	for _, what := range []string{"registered", "logged_in", "identified", "identity_refused", "bound_card"} {
		b.people.add(0, what)
	}
}

// count counts one event.
func (b *business) count(e eventlog.Event) {
	switch body := e.Body.(type) {
	case *loanv1.ApplicationMoved:
		b.applications.add(1, body.GetTo(), body.GetReason())
	case *riskv1.Decided:
		b.decisions.add(1, body.GetOutcome(), body.GetGrade())
		for _, reason := range body.GetReasonCodes() {
			b.reasons.add(1, reason)
		}
	case *loanv1.LoanMoved:
		if body.GetFrom() != body.GetTo() {
			b.loans.add(1, body.GetTo())
		}
	case *loanv1.ScheduleFixed:
		b.lent.add(body.GetPrincipalMinor(), body.GetProduct())
	case *loanv1.RepaymentApplied:
		b.repay(body)
	case *loanv1.OverdueChanged:
		if body.GetBucket() != body.GetPreviousBucket() {
			b.overdue.add(1, body.GetBucket())
		}
	case *loanv1.DayClosed:
		b.days.add(1)
	case *paymentv1.OrderSettled:
		b.orders.add(1, body.GetKind(), body.GetOutcome(), body.GetReason(), body.GetChannel())
		b.moved.add(body.GetAmountMinor(), body.GetKind(), body.GetOutcome(), body.GetChannel())
	case *collectionv1.CaseOpened:
		b.cases.add(1, "OPENED")
	case *collectionv1.CaseMoved:
		b.cases.add(1, body.GetTo())
	case *notifyv1.MessageMoved:
		b.messages.add(1, body.GetChannel(), body.GetTo(), body.GetReason())
	default:
		b.person(e)
	}
}

func (b *business) repay(body *loanv1.RepaymentApplied) {
	b.repaid.add(body.GetPrincipalMinor(), "principal")
	b.repaid.add(body.GetInterestMinor(), "interest")
	b.repaid.add(body.GetPenaltyMinor(), "penalty")
	b.repaid.add(body.GetFeeMinor(), "fee")
	b.repaid.add(body.GetUnappliedMinor(), "unapplied")
}

func (b *business) person(e eventlog.Event) {
	switch e.Body.(type) {
	case *userv1.UserRegistered:
		b.people.add(1, "registered")
	case *userv1.LoggedIn:
		b.people.add(1, "logged_in")
	case *userv1.IdentityVerified:
		b.people.add(1, "identified")
	case *userv1.IdentityRefused:
		b.people.add(1, "identity_refused")
	case *userv1.CardBound:
		b.people.add(1, "bound_card")
	}
}

// Values of a label come from events, so they are bounded here: by length, by letters and by number.
const (
	valueMax  = 40
	valuesMax = 64
	other     = "other"
)

// tally is a counter whose labels cannot grow without end.
type tally struct {
	vec *prometheus.CounterVec

	mu   sync.Mutex
	seen []map[string]bool // by label
}

func (t *tally) add(n int64, labels ...string) {
	if n < 0 {
		return // a counter only grows; what was taken back shows in the books
	}
	t.mu.Lock()
	for i, v := range labels {
		labels[i] = t.bounded(i, v)
	}
	t.mu.Unlock()
	t.vec.WithLabelValues(labels...).Add(float64(n))
}

func (t *tally) bounded(label int, value string) string {
	if value == "" {
		return "none"
	}
	if len(value) > valueMax || strings.ContainsFunc(value, odd) {
		return other
	}
	if t.seen[label] == nil {
		t.seen[label] = map[string]bool{}
	}
	if !t.seen[label][value] {
		if len(t.seen[label]) >= valuesMax {
			return other
		}
		t.seen[label][value] = true
	}
	return value
}

// odd says whether a character does not belong into a label's value.
func odd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-+:", r)
}
