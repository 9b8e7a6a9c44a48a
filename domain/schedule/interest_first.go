package schedule

// fillInterestFirst: interest each period, the principal with the last row. With a single row this is simple interest
// at maturity.
func fillInterestFirst(p *Plan) error {
	last := len(p.Rows) - 1
	for k := range p.Rows {
		r := &p.Rows[k]
		interest, err := p.interest(k, p.Terms.Principal)
		if err != nil {
			return err
		}
		r.Interest, r.Balance = interest, p.Terms.Principal
		if k == last {
			r.Principal, r.Balance = p.Terms.Principal, 0
		}
	}
	return nil
}
