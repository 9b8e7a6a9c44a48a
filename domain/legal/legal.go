package legal

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/calendar"
)

// Lender is a type of lender or of another role in a loan.
type Lender string

// Types of lenders, and the two roles that may not lend.
const (
	Any             Lender = ""
	Bank            Lender = "bank"
	ConsumerFinance Lender = "consumer_finance" // 消费金融公司
	Microloan       Lender = "microloan"        // 小额贷款公司
	OnlineMicroloan Lender = "online_microloan" // 网络小额贷款公司
	Trust           Lender = "trust"
	AutoFinance     Lender = "auto_finance"
	Platform        Lender = "platform"        // 助贷平台: no lender
	Enhancer        Lender = "credit_enhancer" // 增信服务机构: no lender
)

// Lenders lists the types that may lend.
var Lenders = []Lender{Bank, ConsumerFinance, Microloan, OnlineMicroloan, Trust, AutoFinance}

// MayLend says whether the type may lend at all.
func (l Lender) MayLend() bool {
	for _, known := range Lenders {
		if l == known {
			return true
		}
	}
	return false
}

// Unit says what a value counts.
type Unit string

// Units of values.
const (
	RatePPM     Unit = "ppm"          // 1/1,000,000 a year
	LPRMultiple Unit = "lpr_multiple" // times the one-year loan prime rate of the day
	Permille    Unit = "permille"     // thousandths
	Fen         Unit = "fen"
	Months      Unit = "months"
	Years       Unit = "years"
	DaysUnit    Unit = "days"
	WorkDays    Unit = "working_days"
	Hours       Unit = "hour"
	Count       Unit = "count"
	Seconds     Unit = "seconds"
)

// Row is one number with its reach and its source.
type Row struct {
	Parameter Parameter
	Lender    Lender
	Value     int64
	Unit      Unit
	// From is the first day, To the last; None means no end.
	From, To calendar.Date
	// Source names the rule of the compliance rule book and its text.
	Source string
	// ConfirmedBy is the compliance officer who signed it off; empty: read by the project, not signed off.
	ConfirmedBy string
}

// Missing says that no number is known for the day.
type Missing struct {
	Parameter Parameter
	Lender    Lender
	On        calendar.Date
}

// Error names parameter, lender and day.
func (m *Missing) Error() string {
	return fmt.Sprintf("legal: no %s for lender %q on %s", m.Parameter, m.Lender, m.On)
}

// Find answers the row in force. The error is *Missing.
func Find(p Parameter, lender Lender, on calendar.Date) (Row, error) {
	return find(Table, p, lender, on)
}

func find(table []Row, p Parameter, lender Lender, on calendar.Date) (Row, error) {
	var general Row
	found := false
	for _, r := range table {
		if r.Parameter != p || on < r.From || (r.To != calendar.None && on > r.To) {
			continue
		}
		if r.Lender == lender {
			return r, nil
		}
		if r.Lender == Any {
			general, found = r, true
		}
	}
	if !found {
		return Row{}, &Missing{Parameter: p, Lender: lender, On: on}
	}
	return general, nil
}

// Value is Find for those who want the number alone.
func Value(p Parameter, lender Lender, on calendar.Date) (int64, error) {
	r, err := Find(p, lender, on)
	return r.Value, err
}

// Cap is the highest yearly cost a new loan may have.
type Cap struct {
	PPM int64
	Row Row
}

// CostCap is the cap on the total cost of a new loan with so many months, made on a day. For microloan companies it
// falls to four times the loan prime rate; loans of at most one month keep their own row.
func CostCap(lender Lender, termMonths int, on calendar.Date) (Cap, error) {
	if termMonths <= 1 {
		if row, err := Find(CostCapShort, lender, on); err == nil {
			return capOf(row, on)
		}
	}
	row, err := Find(CostCapTotal, lender, on)
	if err != nil {
		return Cap{}, err
	}
	return capOf(row, on)
}

func capOf(row Row, on calendar.Date) (Cap, error) {
	if row.Unit != LPRMultiple {
		return Cap{PPM: row.Value, Row: row}, nil
	}
	lpr, err := Find(LPROneYear, Any, on)
	if err != nil {
		return Cap{}, err
	}
	return Cap{PPM: row.Value * lpr.Value, Row: row}, nil
}

// LPRStale says that the newest loan prime rate in the table is older than the limit of days: the table wants an import.
func LPRStale(on calendar.Date, checkedOn calendar.Date) bool {
	limit, err := Value(LPRStaleDays, Any, on)
	return err != nil || int64(calendar.Days(checkedOn, on)) > limit
}

// LPRCheckedOn is the last day for which the loan prime rate was seen published.
var LPRCheckedOn = calendar.Of(2026, 8, 20)
