package invariant

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Effect is something that a party did with the money of a loan, by the party's own journal.
type Effect struct {
	// Kind is the party's word: PAYOUT, COLLECT, REFUND, RETURN or CHARGEBACK; REFUSED is a collection without money.
	Kind string
	// On is the date in China, by the party's clock.
	On          string
	AmountMinor int64
}

// Account is a loan with everything that two runs can be compared by. It holds no number that differs from run to run but ID.
type Account struct {
	ID                                                 int64
	State, Method, DisbursedOn, SettledOn, Through     string
	PrincipalMinor, RatePPM, TermMonths, ReleasedMinor int64
	// Effects are what the parties did, in the order in which they did it.
	Effects []Effect
	// Balances are those of the loan's accounts, by its own entries and its shares of the daily sums.
	Balances map[string]int64
	// ByValue are the sums of the loan's own entries by value date and account, reversals taken off, for the accounts on which
	// a day's close books nothing: money, principal and what is unapplied.
	ByValue map[string]int64
	// Real are the balances recomputed from the terms and from the dates and amounts in the parties' journal.
	Real map[string]int64
	// Why says why they could not be.
	Why string
}

// Summary is what the books say of a whole run.
type Summary struct {
	Loans []Account
	// Balances are all accounts of both journals: "payment 1002", "loan 1303".
	Balances map[string]int64
	// Parties are our accounts at the channels, by the channels' own books.
	Parties map[string]int64
	// Attempts counts the requests that were sent to the channels.
	Attempts int
	// Told counts the ends of requests by what told of them: submit, callback, query, statement.
	Told map[string]int
}

// Summary reads what came of a run from the raw tables and the parties' journal.
func (b *Books) Summary(ctx context.Context) (*Summary, error) {
	b.begin(ctx)
	defer b.end()
	l := &look{books: b}
	s := &Summary{Balances: map[string]int64{}, Parties: map[string]int64{}, Told: map[string]int{}}
	d, err := l.dealings(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range d.attempts {
		if a.state != "PREPARED" {
			s.Attempts++
		}
	}
	err = l.eachLine(ctx, func(journal, _ string, _, _ int64, e line) { s.Balances[journal+" "+e.account] += e.amount })
	if err != nil {
		return nil, err
	}
	err = b.each(ctx, "sandbox", `SELECT party, merchant_id, balance_minor FROM merchant`, func(r *sql.Rows) error {
		var party, merchant string
		var minor int64
		err := r.Scan(&party, &merchant, &minor)
		s.Parties[party+" "+merchant] = minor
		return err
	})
	if err != nil {
		return nil, err
	}
	err = b.each(ctx, "payment", `SELECT source, COUNT(*) FROM payment_evidence WHERE verdict IN ('succeeded', 'failed') GROUP BY source`, func(r *sql.Rows) error {
		var source string
		var n int
		err := r.Scan(&source, &n)
		s.Told[source] = n
		return err
	})
	if err != nil {
		return nil, err
	}
	s.Loans, err = l.accounts(ctx, d)
	return s, err
}

// accounts makes the account of every loan.
func (l *look) accounts(ctx context.Context, d *dealings) ([]Account, error) {
	b, err := l.lent(ctx)
	if err != nil {
		return nil, err
	}
	moved, err := l.moved(ctx, d)
	if err != nil {
		return nil, err
	}
	refused, err := l.refused(ctx, d)
	if err != nil {
		return nil, err
	}
	valued, err := l.byValue(ctx)
	if err != nil {
		return nil, err
	}
	var list []Account
	for _, v := range b.loans {
		a := Account{
			ID: v.id, State: v.state, Method: v.method, DisbursedOn: v.disbursedOn, SettledOn: v.settledOn, PrincipalMinor: v.principal,
			RatePPM: v.ratePPM, TermMonths: v.termMonths, ReleasedMinor: v.released, ByValue: valued[v.id],
		}
		for _, m := range slices.SortedFunc(slices.Values(slices.Concat(moved[v.id], refused[v.id])), bySeq) {
			a.Effects = append(a.Effects, Effect{Kind: m.kind, On: dateIn(m.atMS).String(), AmountMinor: m.amount})
		}
		own := v.own.plus(v.shares)
		a.Balances = own.byName()
		if v.why != nil {
			a.Why = v.why.Error()
		} else if v.life != nil {
			a.Through = v.now.at.String()
			dated, err := v.fromReal(moved[v.id])
			if err != nil {
				a.Why = err.Error()
			}
			a.Real = dated.byName()
		}
		list = append(list, a)
	}
	return list, nil
}

func (p position) byName() map[string]int64 {
	of := map[string]int64{}
	for i, account := range loanAccounts {
		if p[i] != 0 {
			of[account] = p[i]
		}
	}
	return of
}

// movement is an effect with the order that it is of.
type movement struct {
	effect
	order int64
}

// moved answers what the parties did for each loan, undoings too, in the order in which they did it.
func (l *look) moved(ctx context.Context, d *dealings) (map[int64][]movement, error) {
	of := map[int64][]movement{}
	add := func(e effect) {
		if a := d.byNo[e.requestNo]; a != nil && d.order[a.order] != nil {
			of[d.order[a.order].loan] = append(of[d.order[a.order].loan], movement{e, a.order})
		}
	}
	for _, effects := range d.done {
		for _, e := range effects {
			add(e)
		}
	}
	err := l.books.each(ctx, "sandbox", `SELECT seq, amount_minor, at_ms, party, kind, request_no, channel_no FROM journal
		WHERE status = 'SUCCESS' AND kind IN ('RETURN', 'CHARGEBACK') ORDER BY seq`, func(r *sql.Rows) error {
		var e effect
		err := r.Scan(&e.seq, &e.amount, &e.atMS, &e.party, &e.kind, &e.requestNo, &e.channelNo)
		add(e)
		return err
	})
	for _, list := range of {
		slices.SortFunc(list, bySeq)
	}
	return of, err
}

func bySeq(a, b movement) int { return cmp.Compare(a.seq, b.seq) }

// refused answers which collections the parties refused for each loan: no money moved, but until that day it might have, and
// the day bears no penalty.
func (l *look) refused(ctx context.Context, d *dealings) (map[int64][]movement, error) {
	of := map[int64][]movement{}
	err := l.books.each(ctx, "sandbox", `SELECT seq, amount_minor, at_ms, request_no FROM journal WHERE status = 'FAILED' AND kind = 'COLLECT'`, func(r *sql.Rows) error {
		e := effect{kind: "REFUSED"}
		err := r.Scan(&e.seq, &e.amount, &e.atMS, &e.requestNo)
		if a := d.byNo[e.requestNo]; a != nil && d.order[a.order] != nil {
			loan := d.order[a.order].loan
			of[loan] = append(of[loan], movement{e, a.order})
		}
		return err
	})
	return of, err
}

// valueAccounts are those on which only a loan's own transactions book.
var valueAccounts = []string{"1303", "2241.unapplied", "2241.payable", "2241.refund", "2290"}

// byValue adds up each loan's own entries by value date and account; what a reversal took back is gone.
func (l *look) byValue(ctx context.Context) (map[int64]map[string]int64, error) {
	of := map[int64]map[string]int64{}
	err := l.books.each(ctx, "loan", `SELECT h.subject_id, h.value_on, e.account, e.amount_minor FROM journal h
		JOIN journal_entry e ON e.bucket = h.bucket AND e.transaction_id = h.id
		WHERE h.subject_id <> 0 AND e.account IN ('`+strings.Join(valueAccounts, "','")+`')`, func(r *sql.Rows) error {
		var id, amount int64
		var on, account string
		if err := r.Scan(&id, &on, &account, &amount); err != nil {
			return err
		}
		if of[id] == nil {
			of[id] = map[string]int64{}
		}
		key := on + " " + account
		if of[id][key] += amount; of[id][key] == 0 {
			delete(of[id], key)
		}
		return nil
	})
	return of, err
}

// fromReal lives a loan from the parties' journal: its money moved when and as far as they say, and a collection counts from
// the day on which it was ordered. Of the loan's own events only what money does not tell is taken over, each on its own day.
func (v *lived) fromReal(moved []movement) (position, error) {
	if len(v.happened) == 0 {
		return position{}, nil
	}
	var story []*happening
	done := map[[2]any]movement{}
	for _, m := range moved {
		done[[2]any{m.order, m.kind}] = m
	}
	ordered := map[int64]day{}
	take := func(order int64, kind string, h *happening) error {
		m, known := done[[2]any{order, kind}]
		if !known {
			return fmt.Errorf("event %d: no party did this %s", h.seq, kind)
		}
		delete(done, [2]any{order, kind})
		h.on, h.amount = dateIn(m.atMS), m.amount
		if from, known := ordered[order]; known { // the borrower does not pay for the channel's delay
			h.on = min(h.on, from)
		}
		return nil
	}
	for _, h := range v.happened {
		c := *h
		var err error
		switch c.kind {
		case "lock":
			ordered[c.order] = c.on
		case "disburse":
			err = take(v.payoutOrder, "PAYOUT", &c)
		case "payout_returned":
			err = take(v.payoutOrder, "RETURN", &c)
		case "receive":
			err = take(c.order, "COLLECT", &c)
		case "refund_paid":
			err = take(c.order, "REFUND", &c)
		}
		if err != nil {
			return position{}, err
		}
		story = append(story, &c)
	}
	if len(done) > 0 {
		return position{}, fmt.Errorf("the parties moved money %d times more than its events say", len(done))
	}
	t, err := readTerms(v.terms, story[0].on)
	if err != nil {
		return position{}, err
	}
	if story[0].kind != "disburse" || story[0].amount != t.Plan.Principal {
		return position{}, errors.New("it does not begin with the payout of its principal")
	}
	slices.SortStableFunc(story, func(a, b *happening) int { return cmp.Or(cmp.Compare(a.on, b.on), cmp.Compare(a.seq, b.seq)) })
	life, err := begin(t)
	if err != nil {
		return position{}, err
	}
	for _, h := range story[1:] {
		if err := life.do(h); err != nil {
			return position{}, fmt.Errorf("event %d, from its real date: %w", h.seq, err)
		}
	}
	life.advance(v.now.at)
	return life.position(), nil
}
