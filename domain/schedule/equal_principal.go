package schedule

import "github.com/hengdai/hengdai/domain/money"

// fillEqualPrincipal: the same principal in each row after the grace, the rest of the division in the last.
func fillEqualPrincipal(p *Plan) error {
	grace := p.Terms.GracePrincipal
	each := p.Terms.Principal / money.Amount(len(p.Rows)-grace)
	balance := p.Terms.Principal
	for k := range p.Rows {
		r := &p.Rows[k]
		interest, err := p.interest(k, balance)
		if err != nil {
			return err
		}
		r.Interest = interest
		switch {
		case k < grace:
		case k == len(p.Rows)-1:
			r.Principal = balance
		default:
			r.Principal = each
		}
		balance -= r.Principal
		r.Balance = balance
	}
	return nil
}
