package schedule

// Method is a way of repaying.
type Method struct {
	Name   string
	ZH, EN string
	// SingleRow: the whole term is one row.
	SingleRow bool
	// Straight: interest is fixed in advance and earned evenly by days.
	Straight bool
	// Bullet: the whole principal is due in one sum.
	Bullet bool
	// fill sets principal, interest and balance of every row; the rest is laid out.
	fill func(p *Plan) error
}

// Names of the methods.
const (
	EqualInstalment = "equal_instalment"
	EqualPrincipal  = "equal_principal"
	InterestFirst   = "interest_first"
	AtMaturity      = "at_maturity"
	Flat            = "flat"
)

// Methods is the table of methods. A new one is a file and a row here.
var Methods = []Method{
	{Name: EqualInstalment, ZH: "等额本息", EN: "Equal instalments", fill: fillEqualInstalment},
	{Name: EqualPrincipal, ZH: "等额本金", EN: "Equal principal", fill: fillEqualPrincipal},
	{Name: InterestFirst, ZH: "先息后本", EN: "Interest first, principal last", Bullet: true, fill: fillInterestFirst},
	{Name: AtMaturity, ZH: "一次性还本付息", EN: "All at maturity", SingleRow: true, Bullet: true, fill: fillInterestFirst},
	{Name: Flat, ZH: "固定费率", EN: "Flat rate", Straight: true, fill: fillFlat},
}

// Find answers a method by name.
func Find(name string) (*Method, bool) {
	for i := range Methods {
		if Methods[i].Name == name {
			return &Methods[i], true
		}
	}
	return nil, false
}
