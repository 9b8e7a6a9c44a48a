package schedule

import (
	"errors"
	"fmt"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/money"
)

// FirstPeriod says how an odd first period is charged.
type FirstPeriod string

// Level spreads it over all instalments, Extra charges it in row 1.
const (
	Level FirstPeriod = "level"
	Extra FirstPeriod = "extra"
)

// Grace says what happens to the interest of the first rows.
type Grace string

// Deferred interest is due in the first later row; Free interest is never due.
const (
	NoGrace  Grace = ""
	Deferred Grace = "deferred"
	Free     Grace = "free"
)

// Terms fix a plan.
type Terms struct {
	Principal money.Amount `json:"principal_minor"`
	// RatePPM is the contract rate a year in 1/1,000,000.
	RatePPM     int64             `json:"rate_ppm"`
	Method      string            `json:"method"`
	DayCount    calendar.DayCount `json:"day_count"`
	Instalments int               `json:"instalments"`
	// Every and Unit are the length of a period: every 1 month.
	Every       int               `json:"every"`
	Unit        calendar.Unit     `json:"unit"`
	MonthEnd    calendar.MonthEnd `json:"month_end"`
	Rounding    money.Rounding    `json:"rounding"`
	DisbursedOn calendar.Date     `json:"disbursed_on"`
	// FirstDueOn is the first due date; None: one period after the disbursement.
	FirstDueOn calendar.Date `json:"first_due_on"`
	// DueDay is the wanted day of the month; zero: that of FirstDueOn, else of the disbursement.
	DueDay      int         `json:"due_day,omitempty"`
	FirstPeriod FirstPeriod `json:"first_period,omitempty"`
	// MultipleOf rounds the instalment to a multiple; zero: not.
	MultipleOf money.Amount `json:"multiple_of_minor,omitempty"`
	// GracePrincipal is the number of first rows without principal.
	GracePrincipal int   `json:"grace_principal,omitempty"`
	GraceInterest  Grace `json:"grace_interest,omitempty"`
	GraceRows      int   `json:"grace_interest_rows,omitempty"`
	// FeeEach is a fee due with each row.
	FeeEach money.Amount `json:"fee_each_minor,omitempty"`
}

// Bounds of terms.
const (
	MaxInstalments = 1200
	MaxRatePPM     = 10_000_000 // 1000 % a year
	maxDays        = 120 * 366
)

// Row is one line of a plan.
type Row struct {
	Number int
	// The period the row's interest is for; it begins where the row before ends.
	StartOn, DueOn calendar.Date
	Principal      money.Amount
	// Interest is due in this row; Earned is the interest of the row's own period. They differ in a deferral.
	Interest, Earned money.Amount
	Fee              money.Amount
	// Balance is the principal left after the row.
	Balance money.Amount
}

// Days is the number of days of the row's period.
func (r Row) Days() int { return calendar.Days(r.StartOn, r.DueOn) }

// Due is what the row asks for in all.
func (r Row) Due() money.Amount { return r.Principal + r.Interest + r.Fee }

// ErrTerms is the cause of every refusal of terms.
var ErrTerms = errors.New("schedule: these terms give no plan")

// Refusal says which term is wrong and why.
type Refusal struct {
	Term string
	Why  string
}

// Error names the term.
func (r *Refusal) Error() string { return fmt.Sprintf("schedule: %s: %s", r.Term, r.Why) }

// Is makes errors.Is(err, ErrTerms) true.
func (r *Refusal) Is(target error) bool { return target == ErrTerms }

func refuse(term, why string, args ...any) error {
	return &Refusal{Term: term, Why: fmt.Sprintf(why, args...)}
}

// Check refuses terms outside the bounds of any plan.
func (t *Terms) Check() error {
	switch {
	case t.Principal <= 0:
		return refuse("principal", "must be more than zero")
	case t.Principal > money.MaxAmount:
		return refuse("principal", "is too large")
	case t.RatePPM < 0:
		return refuse("rate", "must not be negative")
	case t.RatePPM > MaxRatePPM:
		return refuse("rate", "is above 1000 %% a year")
	case t.Instalments < 1 || t.Instalments > MaxInstalments:
		return refuse("instalments", "must be 1 to %d", MaxInstalments)
	case t.Every < 1 || t.Every > 366:
		return refuse("every", "must be 1 to 366")
	case t.Unit > calendar.Day:
		return refuse("unit", "is unknown")
	case int(t.DayCount) >= len(calendar.DayCounts):
		return refuse("day_count", "is unknown")
	case t.DueDay < 0 || t.DueDay > 31:
		return refuse("due_day", "must be 1 to 31")
	case t.MultipleOf < 0 || t.MultipleOf > t.Principal:
		return refuse("instalment_multiple_of", "must be between zero and the principal")
	case t.FeeEach < 0 || t.FeeEach > t.Principal:
		return refuse("fee", "must be between zero and the principal")
	case t.FirstPeriod != "" && t.FirstPeriod != Level && t.FirstPeriod != Extra:
		return refuse("first_period", "must be level or extra")
	}
	return t.checkDates()
}

func (t *Terms) checkDates() error {
	if t.DisbursedOn < calendar.First || t.DisbursedOn > calendar.Of(2200, 1, 1) {
		return refuse("disbursed_on", "is out of range")
	}
	if t.FirstDueOn != calendar.None && t.FirstDueOn <= t.DisbursedOn {
		return refuse("first_due_on", "must be after the disbursement")
	}
	if t.FirstDueOn != calendar.None && calendar.Days(t.DisbursedOn, t.FirstDueOn) > 3*366 {
		return refuse("first_due_on", "is more than three years away")
	}
	perPeriod := map[calendar.Unit]int{calendar.Month: 31, calendar.Week: 7, calendar.Day: 1}[t.Unit]
	if t.Instalments*t.Every*perPeriod > maxDays {
		return refuse("instalments", "reach more than a hundred years")
	}
	if t.GracePrincipal < 0 || t.GracePrincipal >= t.Instalments {
		return refuse("grace_principal", "must leave a row with principal")
	}
	switch t.GraceInterest {
	case NoGrace:
	case Deferred, Free:
		if t.GraceRows < 1 || (t.GraceInterest == Deferred && t.GraceRows >= t.Instalments) || t.GraceRows > t.Instalments {
			return refuse("grace_interest", "must leave a row in which interest is due")
		}
	default:
		return refuse("grace_interest", "must be deferred or free")
	}
	return nil
}

// day is the original day of the month.
func (t *Terms) day() int {
	if t.DueDay > 0 {
		return t.DueDay
	}
	from := t.DisbursedOn
	if t.FirstDueOn != calendar.None {
		from = t.FirstDueOn
	}
	_, _, d := from.Civil()
	return d
}

// dueOn is the due date of period k (1-based).
func (t *Terms) dueOn(k int) calendar.Date {
	day := t.day()
	if t.FirstDueOn == calendar.None {
		return calendar.Step(t.DisbursedOn, k*t.Every, 1, t.Unit, day, t.MonthEnd)
	}
	if k == 1 {
		return t.FirstDueOn
	}
	return calendar.Step(t.FirstDueOn, (k-1)*t.Every, 1, t.Unit, day, t.MonthEnd)
}

// odd says that the first period does not have the regular length.
func (t *Terms) odd() bool {
	if t.FirstDueOn == calendar.None {
		return false
	}
	return t.FirstDueOn != calendar.Step(t.DisbursedOn, t.Every, 1, t.Unit, t.day(), t.MonthEnd)
}
