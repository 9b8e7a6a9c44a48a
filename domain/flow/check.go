package flow

import (
	"errors"
	"fmt"
	"slices"
)

func (p *Policy) checkGrades() error {
	grades := p.doc.Grades
	if len(grades) < 2 || len(grades) > maxGrades {
		return fmt.Errorf("%d grades, 2 to %d are allowed", len(grades), maxGrades)
	}
	seen := map[string]bool{}
	for i, g := range grades {
		if g.Grade == "" || len(g.Grade) > 8 || seen[g.Grade] {
			return fmt.Errorf("grade %q has no name of its own", g.Grade)
		}
		seen[g.Grade] = true
		if !slices.Contains([]string{Approve, Manual, Reject}, g.Outcome) {
			return fmt.Errorf("grade %s: outcome %q does not exist", g.Grade, g.Outcome)
		}
		if i > 0 && (g.AtLeast >= grades[i-1].AtLeast || rank(g.Outcome) < rank(grades[i-1].Outcome) || g.LimitMinor > grades[i-1].LimitMinor) {
			return fmt.Errorf("grade %s is not below the one before in points, outcome and limit", g.Grade)
		}
		if g.LimitMinor < 0 || g.LimitMinor > maxMinor {
			return fmt.Errorf("grade %s: limit out of range", g.Grade)
		}
		if err := p.checkCutOff(g, i == len(grades)-1); err != nil {
			return err
		}
	}
	return nil
}

// checkCutOff compares a cut-off with the probability it is said to stand for: points mean nothing without the assumed base rate.
func (p *Policy) checkCutOff(g Grade, last bool) error {
	if last {
		if least, _ := p.card.Range(); g.AtLeast > least || g.PDPPM != 0 {
			return fmt.Errorf("grade %s: the last grade takes every score", g.Grade)
		}
		return nil
	}
	if g.PDPPM <= 0 || g.PDPPM >= 1_000_000 {
		return fmt.Errorf("grade %s: pd_ppm is not a probability", g.Grade)
	}
	want := p.card.PointsAt(float64(g.PDPPM) / 1e6)
	if g.AtLeast != want {
		return fmt.Errorf("grade %s: %d points do not stand for a probability of %d ppm, %d do", g.Grade, g.AtLeast, g.PDPPM, want)
	}
	return nil
}

func rank(outcome string) int {
	return slices.Index([]string{Approve, Manual, Reject}, outcome)
}

func (p *Policy) checkPrices() error {
	prices := p.doc.Prices
	if prices.CapPPM <= 0 || prices.CapPPM > 1_000_000 {
		return errors.New("prices: the cap is not between 0 and 1000000 ppm")
	}
	if len(prices.Bands) == 0 || len(prices.Bands) > maxPriceBands {
		return fmt.Errorf("prices: %d bands, 1 to %d are allowed", len(prices.Bands), maxPriceBands)
	}
	for i, band := range prices.Bands {
		if band.UpToMonths <= 0 || i > 0 && band.UpToMonths <= prices.Bands[i-1].UpToMonths {
			return fmt.Errorf("prices: band %d does not follow the one before", i+1)
		}
		if len(band.RatePPM) != len(p.doc.Grades) {
			return fmt.Errorf("prices: band %d does not have one rate for each grade", i+1)
		}
		var before int64
		for _, g := range p.doc.Grades {
			rate, stated := band.RatePPM[g.Grade]
			if !stated || rate <= 0 || rate > prices.CapPPM {
				return fmt.Errorf("prices: band %d, grade %s: no rate within the cap", i+1, g.Grade)
			}
			if rate < before {
				return fmt.Errorf("prices: band %d, grade %s is cheaper than the grade before", i+1, g.Grade)
			}
			before = rate
		}
	}
	if p.doc.Limit.StepMinor <= 0 || p.doc.Limit.IncomeMonths < 0 || p.doc.Limit.IncomeMonths > 1200 {
		return errors.New("limit: the step must be positive and the income bound 0 to 1200 months")
	}
	return nil
}

func (p *Policy) checkSentences() error {
	s := p.doc.Sentences
	for _, reason := range []interface{ Check() error }{s.General, s.Missing, s.Failed, s.Band, s.AboveLimit, s.NoPrice} {
		if err := reason.Check(); err != nil {
			return fmt.Errorf("sentences: %w", err)
		}
	}
	if s.General.Internal {
		return errors.New("sentences: the general reason is for the borrower and cannot be internal")
	}
	return nil
}

// checkCases decides each case; a policy whose own cases do not come out as they say is refused.
func (p *Policy) checkCases() error {
	if len(p.doc.Cases) == 0 || len(p.doc.Cases) > maxCases {
		return fmt.Errorf("%d cases, 1 to %d are asked for", len(p.doc.Cases), maxCases)
	}
	for _, c := range p.doc.Cases {
		profile, err := ReadProfile(c.Given)
		if err != nil {
			return fmt.Errorf("case %q: %w", c.Name, err)
		}
		d := p.Decide(&profile, c.On, nil)
		if d.Outcome != c.Outcome || c.Grade != "" && d.Grade != c.Grade {
			return fmt.Errorf("case %q: decided %s %s, the case says %s %s", c.Name, d.Outcome, d.Grade, c.Outcome, c.Grade)
		}
		if len(c.Reasons) > 0 && !slices.Equal(c.Reasons, codes(d.Reasons)) {
			return fmt.Errorf("case %q: reasons %v, the case says %v", c.Name, codes(d.Reasons), c.Reasons)
		}
	}
	return nil
}
