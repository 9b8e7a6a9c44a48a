package payment

import (
	"fmt"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/service/payment/rows"
)

func orderOf(o *rows.PaymentOrder, tries []rows.PaymentAttempt) *paymentv1.Order {
	out := &paymentv1.Order{
		OrderId: o.OrderID, Kind: o.Kind, UserId: o.UserID, LoanId: o.LoanID, CardId: o.CardID, AmountMinor: o.AmountMinor,
		Currency: o.Currency, State: o.State, Reason: o.Reason, PostingOn: o.PostingOn, ValueOn: o.ValueOn, CreatedMs: o.CreatedMs,
		Version: o.Version,
	}
	for i := range tries {
		a := &tries[i]
		out.Attempts = append(out.Attempts, &paymentv1.Attempt{
			AttemptId: a.AttemptID, Channel: a.Channel, RequestNo: a.RequestNo, ChannelNo: a.ChannelNo, State: a.State, Code: a.Code,
			SubmittedMs: a.SubmittedMs, FinalMs: a.FinalMs,
		})
	}
	return out
}

func breakOf(b *rows.PaymentBreak) *paymentv1.Break {
	return &paymentv1.Break{
		BreakId: b.BreakID, Kind: b.Kind, OrderId: b.OrderID, AttemptId: b.AttemptID, Channel: b.Channel, ExpectedMinor: b.ExpectedMinor,
		ActualMinor: b.ActualMinor, Note: b.Note, State: b.State, CreatedMs: b.CreatedMs, Times: b.Times,
	}
}

func channelOf(c *rows.PaymentChannel, l *line) (*paymentv1.Channel, error) {
	terms, err := l.allTerms(c)
	if err != nil {
		return nil, err
	}
	out := &paymentv1.Channel{
		Channel: c.Channel, Enabled: c.Enabled != 0, Draining: c.Draining != 0, Priority: c.Priority, Kinds: names(l.profile.Kinds),
		MinMinor: c.MinMinor, MaxMinor: c.MaxMinor, Version: c.Version,
		DailyMinor: c.DailyMinor, Terms: termsOf(terms), Breaker: c.Breaker, Paced: l.paced(),
		Succeeded: l.counts.succeeded.Load(), Failed: l.counts.failed.Load(), Unclear: l.counts.unclear.Load(),
	}
	if n := l.counts.calls.Load(); n > 0 {
		out.MeanCallUs = l.counts.microseconds.Load() / n
	}
	for _, kind := range l.profile.Kinds {
		state, again, h := l.watch.look(kind)
		if c.Breaker != breakerAuto {
			state, again = payment.BreakerState(c.Breaker), 0
		}
		out.Health = append(out.Health, &paymentv1.KindHealth{
			Kind: string(kind), Breaker: string(state), Calls: h.Calls, Bad: h.Bad, MeanCallUs: h.Mean.Microseconds(), AgainMs: again.Milliseconds(),
		})
	}
	return out, nil
}

// termsFrom reads what two people want a channel to ask; each kind once, without contradiction.
func termsFrom(list []*paymentv1.KindTerms) (map[payment.Kind]payment.Terms, error) {
	out := make(map[payment.Kind]payment.Terms, len(list))
	for _, k := range list {
		kind := payment.Kind(k.GetKind())
		t := payment.Terms{
			Fee:   payment.Fee{FixedMinor: k.GetFixedMinor(), PPM: k.GetPpm(), LeastMinor: k.GetLeastMinor(), MostMinor: k.GetMostMinor()},
			Hours: payment.Hours{Opens: minutesOf(k.GetOpens()), Closes: minutesOf(k.GetCloses())},
		}
		if _, twice := out[kind]; twice || t.Check() != nil {
			return nil, errTerms
		}
		out[kind] = t
	}
	return out, nil
}

// termsOf lists what a channel asks, in the order of the kinds.
func termsOf(terms map[payment.Kind]payment.Terms) []*paymentv1.KindTerms {
	var list []*paymentv1.KindTerms
	for _, kind := range payment.Kinds {
		if t, ok := terms[kind]; ok {
			list = append(list, &paymentv1.KindTerms{
				Kind: string(kind), FixedMinor: t.Fee.FixedMinor, Ppm: t.Fee.PPM, LeastMinor: t.Fee.LeastMinor, MostMinor: t.Fee.MostMinor,
				Opens: timeOfDay(t.Hours.Opens), Closes: timeOfDay(t.Hours.Closes),
			})
		}
	}
	return list
}

// minutesOf reads "07:30", which was checked before; nothing is midnight.
func minutesOf(s string) int64 {
	if len(s) != len("07:30") {
		return 0
	}
	digit := func(i int) int64 { return int64(s[i] - '0') }
	return (digit(0)*10+digit(1))*60 + digit(3)*10 + digit(4)
}

func timeOfDay(minute int64) string {
	return fmt.Sprintf("%02d:%02d", minute/60%24, minute%60)
}

func entryOf(e *rows.JournalEntry, t rows.JournalTransaction) *paymentv1.Entry {
	return &paymentv1.Entry{
		TransactionId: e.TransactionID, Account: e.Account, AmountMinor: e.AmountMinor, BalanceMinor: e.BalanceMinor, Sequence: e.Sequence,
		Event: t.Event, BookedOn: t.BookedOn, ValueOn: t.ValueOn, SubjectId: t.SubjectID, AtMs: t.AtMs,
	}
}

func proposalOf(p *approve.Proposal) *paymentv1.Proposal {
	out := &paymentv1.Proposal{
		ProposalId: p.ID, Kind: p.Kind, SubjectId: p.SubjectID, Body: string(p.Body), State: proposalStates[p.State], ProposedBy: p.ProposedBy,
		DecidedBy: p.DecidedBy, Reason: p.Reason, ProposedMs: p.ProposedAt.UnixMilli(),
	}
	if !p.DecidedAt.IsZero() {
		out.DecidedMs = p.DecidedAt.UnixMilli()
	}
	return out
}

var proposalStates = map[approve.State]string{approve.Proposed: "PROPOSED", approve.Approved: "APPROVED", approve.Rejected: "REFUSED"}
