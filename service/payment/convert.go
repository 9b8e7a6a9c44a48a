package payment

import (
	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
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

func channelOf(c *rows.PaymentChannel, l *line) *paymentv1.Channel {
	out := &paymentv1.Channel{
		Channel: c.Channel, Enabled: c.Enabled != 0, Draining: c.Draining != 0, Priority: c.Priority, Kinds: names(l.profile.Kinds),
		MinMinor: c.MinMinor, MaxMinor: c.MaxMinor, Version: c.Version,
		Succeeded: l.counts.succeeded.Load(), Failed: l.counts.failed.Load(), Unclear: l.counts.unclear.Load(),
	}
	if n := l.counts.calls.Load(); n > 0 {
		out.MeanCallUs = l.counts.microseconds.Load() / n
	}
	return out
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
