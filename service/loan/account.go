package loan

import (
	"context"
	"encoding/json"
	"errors"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// reasonNoFit says that an event cannot have happened to the loan as it stands.
const reasonNoFit = "loan.event_does_not_fit"

var errNoLoan = errs.New(errs.NotFound, "loan.not_found", "没有找到该贷款。", "There is no such loan.")

// account is a loan opened inside a unit of work: its row, its life and its partition's day.
type account struct {
	row  rows.Loan
	life *domain.Life // nil before the payout
	part rows.DayPart
}

// open reads a loan for a change in this unit. touch makes the unit and a day's close of the partition see each other.
func (s *Service) open(ctx context.Context, tx *store.Tx, bucket, loanID int64) (*account, error) {
	row, err := rows.New(tx).Loan(ctx, rows.LoanParams{Bucket: bucket, ID: loanID})
	if err != nil {
		return nil, errs.Wrap(notFound(err, errNoLoan), "reading a loan")
	}
	part, err := s.partOf(ctx, tx, bucket)
	if err != nil {
		return nil, err
	}
	life, err := s.lifeOf(ctx, tx, row)
	return &account{row: row, life: life, part: part}, err
}

// lifeOf is the loan as it stood after its last event; nil before the payout.
func (s *Service) lifeOf(ctx context.Context, q store.DBTX, row rows.Loan) (*domain.Life, error) {
	if len(row.Life) == 0 {
		return nil, nil //nolint:nilnil // a loan that was never paid out has no life
	}
	contract, err := s.contractOf(ctx, q, row.Bucket, row.ID)
	if err != nil {
		return nil, err
	}
	life, err := contract.Decode(row.Life)
	return life, errs.Wrap(err, "reading a loan's state")
}

// contractOf answers a loan's prepared terms.
func (s *Service) contractOf(ctx context.Context, q store.DBTX, bucket, loanID int64) (*domain.Contract, error) {
	if c := s.contracts.get(loanID); c != nil {
		return c, nil
	}
	stored, err := rows.New(q).TermsOf(ctx, rows.TermsOfParams{Bucket: bucket, ID: loanID})
	if err != nil {
		return nil, errs.Wrap(notFound(err, errNoLoan), "reading a loan's terms")
	}
	terms, on, err := readTerms(stored.Terms, stored.DisbursedOn)
	if err != nil {
		return nil, err
	}
	contract, err := domain.Prepare(terms, on)
	if err != nil {
		return nil, errs.Wrap(err, "preparing a loan's terms")
	}
	s.contracts.put(loanID, contract)
	return contract, nil
}

func readTerms(body []byte, disbursedOn string) (domain.Terms, calendar.Date, error) {
	var terms domain.Terms
	if err := json.Unmarshal(body, &terms); err != nil {
		return terms, calendar.None, errs.New(errs.Internal, "loan.terms_unreadable", "贷款条款无法读取。", "The loan's terms cannot be read.").Because(err)
	}
	on, err := dateOf(disbursedOn)
	return terms, on, err
}

// booked is the day up to which the journal holds the loan.
func (a *account) booked() (calendar.Date, error) {
	own, err := dateOf(a.row.BookedOn)
	if err != nil || a.row.Aside != 0 {
		return own, err
	}
	closed, err := dateOf(a.part.ClosedThrough)
	return max(own, closed), err
}

// happening is an event with what the journal wants to know.
type happening struct {
	domain.Happening
	// Legs are the entries the order itself states, booked as LegEvent.
	Legs     []ledger.Entry
	LegEvent string
	// MoveEvent names what else it moves; empty: allocate.
	MoveEvent string
	// PostingOn is the accounting date, ValueOn when the money really moved; None: the open date, and On.
	PostingOn, ValueOn calendar.Date
}

// happen lets something happen to an account: the life changes, its entries are posted, the event is kept. The caller
// saves the account.
func (s *Service) happen(ctx context.Context, tx *store.Tx, a *account, h happening) error {
	posting, value, err := a.dates(h)
	if err != nil {
		return err
	}
	before := a.life
	h.Seq = a.row.Events + 1
	after, err := s.live(ctx, tx, a, h.Happening)
	if err != nil {
		return err
	}
	from, err := a.booked()
	if err != nil {
		return err
	}
	var booking domain.Booking
	if before == nil {
		from = after.At()
		closed, err := dateOf(a.part.ClosedThrough)
		if err != nil {
			return err
		}
		booking, err = domain.Opening(after, closed)
		if err != nil {
			return errs.Wrap(err, "booking a payout")
		}
	} else if booking, err = domain.Book(before, after, from, h.Legs); err != nil {
		return errs.Wrap(err, "booking an event of a loan")
	}
	move := h.MoveEvent
	if move == "" {
		move = bookAllocate
	}
	var list []booked
	for _, part := range []struct {
		event   string
		entries []ledger.Entry
		value   calendar.Date
	}{{bookAccrue, booking.Accrued.Entries(""), h.On}, {h.LegEvent, h.Legs, value}, {move, booking.Moved.Entries(""), h.On}} {
		if len(part.entries) > 0 {
			list = append(list, booked{OrderID: h.OrderID, Transaction: ledger.Transaction{ID: s.deps.IDs.New(a.row.Bucket), Event: part.event,
				Subject: a.row.ID, Bucket: a.row.Bucket, BookedOn: posting, ValueOn: part.value, Entries: part.entries}})
		}
	}
	if err := s.postOwn(ctx, tx, a.row.UserID, list); err != nil {
		return err
	}
	a.life, a.row.Events, a.row.BookedOn = after, h.Seq, booking.Through.String()
	return errs.Wrap(rows.New(tx).InsertLoanEvent(ctx, rows.InsertLoanEventParams{
		Bucket: a.row.Bucket, LoanID: a.row.ID, Seq: h.Seq, Kind: string(h.Kind), CountsOn: h.On.String(), AmountMinor: int64(h.Amount),
		OrderID: h.OrderID, Payoff: bit(h.Payoff), PostingOn: posting.String(), ValueOn: value.String(), BookedFrom: from.String(),
		BookedTo: booking.Through.String(), AtMs: s.deps.Clock.Now().UnixMilli(),
	}), "keeping an event of a loan")
}

func (a *account) dates(h happening) (posting, value calendar.Date, err error) {
	posting, value = h.PostingOn, h.ValueOn
	if posting == calendar.None {
		if posting, err = dateOf(a.part.OpenOn); err != nil {
			return posting, value, err
		}
	}
	if value == calendar.None {
		value = h.On
	}
	return posting, value, nil
}

// live answers the life after an event. An event valued before one that was already counted replays the loan from its
// beginning.
func (s *Service) live(ctx context.Context, tx *store.Tx, a *account, h domain.Happening) (*domain.Life, error) {
	if a.life == nil {
		terms, on, err := readTerms(a.row.Terms, a.row.DisbursedOn) // not from the cache: the day of payout is not committed yet
		if err != nil {
			return nil, err
		}
		life, err := domain.Begin(terms, on)
		return life, errs.Wrap(err, "beginning a loan")
	}
	after := a.life.Clone()
	err := after.Do(h)
	if err == nil {
		return after, nil
	}
	if !errors.Is(err, domain.ErrLate) {
		return nil, errs.New(errs.Conflict, reasonNoFit, "该操作与贷款当前情况不符。", "This does not fit the loan as it stands.").Because(err)
	}
	happened, err := s.happenings(ctx, tx, a.row.Bucket, a.row.ID)
	if err != nil {
		return nil, err
	}
	after, err = domain.Replay(*a.life.Terms(), append(happened, h), false)
	if err != nil {
		return nil, errs.New(errs.Conflict, reasonNoFit, "该操作与贷款当前情况不符。", "This does not fit the loan as it stands.").Because(err)
	}
	return after, nil
}

// happenings are all events of a loan.
func (s *Service) happenings(ctx context.Context, q store.DBTX, bucket, loanID int64) ([]domain.Happening, error) {
	stored, err := rows.New(q).LoanEvents(ctx, rows.LoanEventsParams{Bucket: bucket, LoanID: loanID})
	if err != nil {
		return nil, errs.Wrap(err, "reading a loan's events")
	}
	list := make([]domain.Happening, 0, len(stored))
	for _, e := range stored {
		if e.Kind == eventCaughtUp {
			continue
		}
		on, err := dateOf(e.CountsOn)
		if err != nil {
			return nil, err
		}
		list = append(list, domain.Happening{Seq: e.Seq, Kind: domain.Kind(e.Kind), On: on, Amount: money.Amount(e.AmountMinor), OrderID: e.OrderID, Payoff: e.Payoff != 0})
	}
	return list, nil
}

// save stores the account by compare-and-set and touches its partition. The columns that lists read follow from the life.
func (s *Service) save(ctx context.Context, tx *store.Tx, a *account) error {
	r := &a.row
	if a.life != nil {
		stored, err := a.life.Encode()
		if err != nil {
			return errs.Wrap(err, "storing a loan's state")
		}
		r.Life, r.OutstandingMinor, r.LockOrderID = stored, int64(a.life.Outstanding()), a.life.Locked().OrderID
	}
	r.Live = bit(domain.State(r.State).Live())
	if r.Live == 0 {
		r.ActOn = far
	}
	r.ChangedMs = s.deps.Clock.Now().UnixMilli()
	q := rows.New(tx)
	n, err := q.ChangeLoan(ctx, rows.ChangeLoanParams{
		State: r.State, Live: r.Live, DisbursedOn: r.DisbursedOn, MaturesOn: r.MaturesOn, SettledOn: r.SettledOn, Life: r.Life, BookedOn: r.BookedOn,
		Events: r.Events, OutstandingMinor: r.OutstandingMinor, ReleasedMinor: r.ReleasedMinor, OverdueSince: r.OverdueSince,
		OverdueBucket: r.OverdueBucket, Class: r.Class, LockOrderID: r.LockOrderID, ActOn: r.ActOn, BilledRow: r.BilledRow, Aside: r.Aside,
		Steps: r.Steps, ChangedMs: r.ChangedMs, Bucket: r.Bucket, ID: r.ID, Version: r.Version,
	})
	if err := store.One(n, err, errStale); err != nil {
		return errs.Wrap(err, "storing a loan")
	}
	r.Version++
	n, err = q.TouchDayPart(ctx, rows.TouchDayPartParams{Part: a.part.Part, Version: a.part.Version})
	if err := store.One(n, err, errStale); err != nil {
		return errs.Wrap(err, "touching a partition's day")
	}
	a.part.Version++
	return nil
}

// moveLoan is the only writer of a loan's state. It keeps the step and tells it.
func (s *Service) moveLoan(ctx context.Context, tx *store.Tx, a *account, event domain.Event, reason string) error {
	from := domain.State(a.row.State)
	to, err := domain.Move(from, event)
	if err != nil {
		return errs.New(errs.Precondition, "loan.state", "贷款当前状态不允许此操作。", "The loan's state does not allow this.").Because(err)
	}
	a.row.State = string(to)
	return s.tellLoanMove(ctx, tx, a, string(from), reason)
}

func (s *Service) tellLoanMove(ctx context.Context, tx *store.Tx, a *account, from, reason string) error {
	a.row.Steps++
	err := rows.New(tx).InsertLoanStep(ctx, rows.InsertLoanStepParams{
		Bucket: a.row.Bucket, LoanID: a.row.ID, Seq: a.row.Steps, FromState: from, ToState: a.row.State, Reason: cutTo(reason, 64),
		StepOn: a.part.OpenOn, AtMs: s.deps.Clock.Now().UnixMilli(),
	})
	if err != nil {
		return errs.Wrap(err, "keeping a step of a loan")
	}
	if from != a.row.State {
		telemetry.Becomes(tx.Context(), a.row.State)
	}
	return errs.Wrap(s.deps.Log.Append(tx, eventlog.Event{UserID: a.row.UserID, Bucket: a.row.Bucket, Body: &loanv1.LoanMoved{
		LoanId: a.row.ID, From: from, To: a.row.State, Product: a.row.Product, PrincipalMinor: a.row.PrincipalMinor, Reason: reason,
	}}), "telling a step of a loan")
}

func cutTo(text string, n int) string {
	runes := []rune(text)
	return string(runes[:min(n, len(runes))])
}

// standingToday is how the account stands on the open date, or at its own last event if that is later.
func (a *account) standingToday() (domain.Standing, error) {
	open, err := dateOf(a.part.OpenOn)
	if err != nil {
		return domain.Standing{}, err
	}
	standing, err := a.life.Standing(max(open, a.life.At()))
	return standing, errs.Wrap(err, "computing a loan's standing")
}

// judge writes how far the account is overdue and tells a change of bucket or class. While money is under way nothing
// changes.
func (s *Service) judge(ctx context.Context, tx *store.Tx, a *account, st domain.Standing) error {
	if st.Locked {
		return nil
	}
	r := &a.row
	previous, class := r.OverdueBucket, r.Class
	r.OverdueSince, r.OverdueBucket, r.Class = st.OverdueSince.String(), st.Bucket, string(st.Class)
	if previous == "" {
		previous, class = domain.Bucket(0), string(domain.Normal)
	}
	if previous == r.OverdueBucket && class == r.Class {
		return nil
	}
	return errs.Wrap(s.deps.Log.Append(tx, eventlog.Event{UserID: r.UserID, Bucket: r.Bucket, Body: &loanv1.OverdueChanged{
		LoanId: r.ID, Dpd: int32(st.DPD), Bucket: st.Bucket, PreviousBucket: previous, OverdueMinor: int64(st.Overdue),
		OutstandingPrincipalMinor: int64(st.Outstanding), Class: r.Class, On: st.On.String(),
	}}), "telling a change of days past due")
}

// planAct sets the next day on which a start of day looks at the loan: an instalment to be billed, or a debit to be
// tried again.
func (a *account) planAct(started calendar.Date) {
	next := calendar.None
	earliest := func(d calendar.Date) {
		if next == calendar.None || d < next {
			next = d
		}
	}
	plan := a.life.Plan().Rows
	if billed := int(a.row.BilledRow); billed < len(plan) && a.life.Fallen() <= len(plan) && !a.life.Settled() {
		earliest(max(plan[billed].DueOn, started+1))
	}
	if oldest := a.life.OldestDue(); oldest != calendar.None {
		for _, days := range a.life.Terms().DebitRetries {
			if d := oldest + calendar.Date(days); d > started {
				earliest(d)
			}
		}
	}
	a.row.ActOn = far
	if next != calendar.None {
		a.row.ActOn = next.String()
	}
}

// partitionBuckets are the buckets of a partition.
func partitionBuckets(part int64) []int64 {
	buckets := make([]int64, 0, id.Buckets/id.Partitions)
	for b := part; b < id.Buckets; b += id.Partitions {
		buckets = append(buckets, b)
	}
	return buckets
}
