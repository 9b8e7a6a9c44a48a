package loan

import (
	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
)

// Bucket is the month bucket of days past due: M0 none, M1 1-30, ... M6 151-180, M6+ above (compliance.md R57).
func Bucket(dpd int) string {
	names := [...]string{"M0", "M1", "M2", "M3", "M4", "M5", "M6", "M6+"}
	if dpd <= 0 {
		return names[0]
	}
	return names[min((dpd-1)/30+1, len(names)-1)]
}

// BureauCode is the repayment code of the credit bureau: N, then 1 to 7 (compliance.md R54).
func BureauCode(dpd int) string {
	if dpd <= 0 {
		return "N"
	}
	return string(rune('0' + min((dpd-1)/30+1, 7)))
}

// Class is the five-step class of a claim (compliance.md R56).
type Class string

// Classes from best to worst.
const (
	Normal         Class = "normal"          // 正常
	SpecialMention Class = "special_mention" // 关注
	Substandard    Class = "substandard"     // 次级
	Doubtful       Class = "doubtful"        // 可疑
	Loss           Class = "loss"            // 损失
)

var classes = [...]Class{SpecialMention, Substandard, Doubtful, Loss}

// ClassOf is the class by days past due alone; it is never better than this.
func (t *Terms) ClassOf(dpd int) Class {
	class := Normal
	for i, c := range classes {
		if dpd > t.ClassAfter[i] {
			class = c
		}
	}
	return class
}

// Standing is how a loan stands at the beginning of a day.
type Standing struct {
	On calendar.Date
	// DPD counts from the due date of the oldest unpaid instalment; DPDAfterGrace is zero within the days of grace.
	DPD, DPDAfterGrace int
	OverdueSince       calendar.Date
	Bucket             string
	Class              Class
	// Overdue is what fell due before the day and is unpaid; Due includes what falls due on it. Both less what is
	// unapplied.
	Overdue, Due money.Amount
	// Payoff settles everything on the day.
	Payoff money.Amount
	// Outstanding principal, due or not.
	Outstanding money.Amount
	// NextDueOn and NextDue are the next row after the day; None and zero after the last.
	NextDueOn calendar.Date
	NextDue   money.Amount
	NextRow   int
	Unapplied money.Amount
	Trimmed   money.Amount
	Locked    bool
	Settled   bool
}

// Standing answers how the loan stands at the beginning of a day not before At.
func (l *Life) Standing(on calendar.Date) (Standing, error) {
	t := l
	if on != l.at {
		t = l.Clone()
		if err := t.Advance(on); err != nil {
			return Standing{}, err
		}
	}
	return t.standingNow()
}

func (l *Life) standingNow() (Standing, error) {
	s := Standing{On: l.at, DPD: l.dpd(l.at), OverdueSince: calendar.None, NextDueOn: l.nextDue(), Outstanding: l.Outstanding(),
		Unapplied: l.Unapplied(), Locked: l.lock.OrderID != 0, Settled: l.Settled()}
	if s.DPD > 0 {
		s.OverdueSince = l.at - calendar.Date(s.DPD)
	}
	if s.DPD > l.terms.GraceDays {
		s.DPDAfterGrace = s.DPD
	}
	s.Bucket, s.Class = Bucket(s.DPD), l.terms.ClassOf(s.DPD)
	if s.NextDueOn != calendar.None {
		r := &l.plan.Rows[l.next]
		s.NextRow, s.NextDue = r.Number, r.Due()
	}
	for i := range l.open {
		owed, err := l.owed(&l.open[i], l.at)
		if err != nil {
			return s, err
		}
		s.Due += owed.Total()
		if l.open[i].due < l.at {
			s.Overdue += owed.Total()
		}
	}
	payoff, err := l.payoffNow()
	if err != nil {
		return s, err
	}
	trimmed, err := l.trimmed.Over(l.scale.den, money.Down)
	if err != nil {
		return s, err
	}
	s.Trimmed = trimmed
	free := max(0, s.Unapplied)
	s.Payoff, s.Due, s.Overdue = max(0, payoff-free), max(0, s.Due-free), max(0, s.Overdue-free)
	if l.returned {
		s.Payoff, s.Due, s.Overdue = 0, 0, 0
	}
	return s, nil
}

// dpd is the days since the due date of the oldest row that is neither paid in full nor covered by money under way.
func (l *Life) dpd(on calendar.Date) int {
	if l.returned {
		return 0
	}
	for i := range l.open {
		r := &l.open[i]
		if r.due >= on {
			return 0
		}
		scheduled := r.principal + r.interest + r.fee
		for _, c := range [...]allocate.Component{allocate.Principal, allocate.Interest, allocate.Fee} {
			scheduled -= r.paid[c] + r.cover[c]
		}
		if scheduled > 0 {
			return calendar.Days(r.due, on)
		}
	}
	return 0
}

// Outstanding is the principal not paid back.
func (l *Life) Outstanding() money.Amount {
	return l.terms.Plan.Principal - l.paid[allocate.Principal]
}

// Settled says that nothing is owed and nothing will be.
func (l *Life) Settled() bool {
	return len(l.open) == 0 && l.future == 0 && (l.cut || l.next >= len(l.plan.Rows)) && !l.returned
}

// PayoffOn is everything owed if the loan is paid off on a day not before At: all due rows, the principal of the later
// ones and the interest to the day. It does not count unapplied money against it.
func (l *Life) PayoffOn(on calendar.Date) (money.Amount, error) {
	t := l
	if on != l.at {
		t = l.Clone()
		if err := t.Advance(on); err != nil {
			return 0, err
		}
	}
	return t.payoffNow()
}

func (l *Life) payoffNow() (money.Amount, error) {
	var sum money.Amount
	for i := range l.open {
		owed, err := l.owed(&l.open[i], l.at)
		if err != nil {
			return 0, err
		}
		sum += owed.Total()
	}
	if l.cut || l.next >= len(l.plan.Rows) {
		return sum, nil
	}
	interest, fee, err := l.running(l.interestUntil())
	if err != nil {
		return 0, err
	}
	return sum + l.future + l.earned + interest - l.dueInterest + fee, nil
}

// DueRow is a row with what was charged and paid on it, for schedules and statements.
type DueRow struct {
	Number        int
	DueOn         calendar.Date
	Charged, Paid allocate.Amounts
	// MetOn is the day it was paid in full, None if it is not.
	MetOn calendar.Date
	// Fallen: the due date has come.
	Fallen bool
}

// Rows answers the whole schedule: paid rows (only after a Replay with history), open rows, rows to come.
func (l *Life) Rows() ([]DueRow, error) {
	var rows []DueRow
	if l.history != nil {
		for _, r := range *l.history {
			rows = append(rows, DueRow{Number: r.number, DueOn: r.due, Charged: r.paid, Paid: r.paid, MetOn: r.met, Fallen: true})
		}
	}
	for i := range l.open {
		r := &l.open[i]
		charged, err := l.charged(r, l.at)
		if err != nil {
			return nil, err
		}
		rows = append(rows, DueRow{Number: r.number, DueOn: r.due, Charged: charged, Paid: r.paid, MetOn: calendar.None, Fallen: true})
	}
	if l.cut {
		return rows, nil
	}
	for _, r := range l.plan.Rows[l.next:] {
		rows = append(rows, DueRow{Number: r.Number, DueOn: r.DueOn, MetOn: calendar.None,
			Charged: allocate.Amounts{allocate.Fee: r.Fee, allocate.Interest: r.Interest, allocate.Principal: r.Principal}})
	}
	return rows, nil
}

// Paid is what was applied so far, by component.
func (l *Life) Paid() allocate.Amounts {
	if l.returned {
		return allocate.Amounts{}
	}
	return l.paid
}

// Fallen is the number of the last row that has fallen due at the day the life was brought to; zero for none.
func (l *Life) Fallen() int {
	if l.cut {
		return len(l.plan.Rows)
	}
	return l.next
}

// OldestDue is the due date of the oldest row that still owes something, under way or not; None if there is none.
func (l *Life) OldestDue() calendar.Date {
	if len(l.open) == 0 {
		return calendar.None
	}
	return l.open[0].due
}
