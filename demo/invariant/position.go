package invariant

import "slices"

// The accounts that a loan moves, in the order of a position.
var loanAccounts = [...]string{
	"1303", "1132.I", "1132.Cmp", "1132.Pen", "1132.F", "2241.unapplied", "2241.payable", "2241.refund",
	"6011", "6021", "2221.pending", "2221.output", "9011", "9012", "2290",
}

// position is the balance on each of them; debits are positive.
type position [len(loanAccounts)]int64

// at answers the place of an account, -1 if no loan has it.
func accountAt(account string) int { return slices.Index(loanAccounts[:], account) }

func (p *position) put(account string, minor int64) { p[accountAt(account)] += minor }

func (p *position) on(account string) int64 { return p[accountAt(account)] }

func (p position) plus(o position) position {
	for i := range p {
		p[i] += o[i]
	}
	return p
}

func (p position) minus(o position) position {
	for i := range p {
		p[i] -= o[i]
	}
	return p
}

// position is what the journal must hold for the loan through the day that is reached.
func (l *life) position() position {
	var p position
	lent := l.terms.Plan.Principal
	p.put("2241.unapplied", -l.unapplied())
	p.put("2241.refund", -l.refundable)
	p.put("2290", l.received-l.refunded)
	if l.returned { // nothing was earned; the claim stands against the payable until it is given up
		if !l.abandoned {
			p.put("1303", lent)
			p.put("2241.payable", -lent)
		}
		return p
	}
	p.put("2290", -lent)
	p.put("1303", lent-l.paid[principal])
	booked, ripe := l.earnings()
	if l.suspended { // on cash basis: what was paid is income, the rest is a memo
		claims := booked[interest] + booked[fee] + booked[penalty] + booked[compound]
		claims -= l.paid[interest] + l.paid[fee] + l.paid[penalty] + l.paid[compound]
		p.put("9011", claims)
		p.put("9012", -claims)
		booked, ripe = l.paid, l.paid
	}
	for c, account := range map[int]string{interest: "1132.I", compound: "1132.Cmp", penalty: "1132.Pen", fee: "1132.F"} {
		p.put(account, booked[c]-l.paid[c])
	}
	late := booked[penalty] + booked[compound]
	lateTax := l.tax(late)
	p.put("6011", -(booked[interest] + late - l.tax(booked[interest]) - lateTax))
	p.put("6021", -(booked[fee] - l.tax(booked[fee])))
	output := l.tax(ripe[interest]) + l.tax(ripe[fee])
	p.put("2221.output", -output-lateTax)
	p.put("2221.pending", output-l.tax(booked[interest])-l.tax(booked[fee]))
	return p
}

// earnings is what was charged in all, and how much of interest and fee is ripe for tax: due before the day that is
// reached, or paid.
func (l *life) earnings() (charged, ripe amounts) {
	running, runningFee := l.running(l.at)
	charged = l.latePaid
	charged[interest], charged[fee] = l.earned+running, l.earnedFee+runningFee
	ripe[interest], ripe[fee] = l.dueInterest, l.earnedFee
	for i := range l.open {
		r := &l.open[i]
		c := l.charged(r)
		charged[penalty] += c[penalty]
		charged[compound] += c[compound]
		if r.due < l.at {
			continue
		}
		for _, k := range [...]int{interest, fee} {
			ripe[k] -= max(0, r.scheduled[k]-r.paid[k])
		}
	}
	return charged, ripe
}

// tax is what a price that includes the tax holds of it.
func (l *life) tax(gross int64) int64 {
	return rounding("half_up").share(gross, l.terms.VATPPM, million+l.terms.VATPPM)
}
