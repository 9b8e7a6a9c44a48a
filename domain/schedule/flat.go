package schedule

import "github.com/hengdai/hengdai/domain/money"

// fillFlat: interest on the first principal over the whole term, split evenly; the rests of both divisions go into the
// last row.
func fillFlat(p *Plan) error {
	var whole int64
	for k := range p.Rows {
		whole += p.factor(k)
	}
	total, err := money.MulDiv(p.Terms.Principal, whole, p.divisor, p.Terms.Rounding)
	if err != nil {
		return err
	}
	n := money.Amount(len(p.Rows))
	each := total / n
	if err := fillEqualPrincipal(p); err != nil {
		return err
	}
	for k := range p.Rows {
		p.Rows[k].Interest = each
	}
	p.Rows[n-1].Interest = total - each*(n-1)
	return nil
}
