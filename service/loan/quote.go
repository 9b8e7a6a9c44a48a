package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// Whose price a quote is made with.
const (
	basisGrade   = "grade"
	basisHeld    = "held"
	basisHighest = "highest"
)

// Quote answers plan and cost. Without a grade it takes the price the caller holds; somebody unknown gets the highest, so
// that a quote is never below what the loan then costs.
func (p public) Quote(ctx context.Context, req *loanv1.QuoteRequest) (*loanv1.QuoteResponse, error) {
	on, err := p.businessDate(ctx, p.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	v, err := p.offered(ctx, req.GetProduct(), on.String())
	if err != nil {
		return nil, err
	}
	w := wish{AmountMinor: req.GetAmountMinor(), TermMonths: req.GetTermMonths(), Method: req.GetMethod(), Purpose: req.GetPurpose()}
	if err := p.refuse(v, w, on); err != nil {
		return nil, err
	}
	basis, g, err := p.priceFor(ctx, v, req.GetGrade())
	if err != nil {
		return nil, err
	}
	plan, err := v.pricePlan(w, int64(g.RatePPM), on)
	if err != nil {
		return nil, err
	}
	return &loanv1.QuoteResponse{Product: v.Code, ProductVersion: v.Number, PriceBasis: basis, Grade: g.Grade, RatePpm: g.RatePPM,
		DisbursedOn: on.String(), Rows: toPlanRows(plan.plan), Cost: toCost(plan)}, nil
}

// priceFor answers whose price is taken.
func (s *Service) priceFor(ctx context.Context, v *version, code string) (string, grade, error) {
	if code != "" {
		g, ok := v.price(code)
		if !ok {
			return "", g, errs.New(errs.Invalid, "grade.unknown", "该产品没有这个等级。", "This product has no such grade.").On("grade")
		}
		return basisGrade, g, nil
	}
	if who := rpc.From(ctx); who.Kind == rpc.Borrower {
		limit, err := s.limitOf(ctx, s.deps.DB.Primary(), who.ID)
		if err != nil {
			return "", grade{}, err
		}
		if g, ok := v.price(limit.Grade); ok && limit.RatePpm > 0 {
			g.RatePPM = priceOf(g, int32(limit.RatePpm))
			return basisHeld, g, nil
		}
	}
	return basisHighest, v.dearest(), nil
}

// quoteOf is the quote of an application at its own price.
func (s *Service) quoteOf(ctx context.Context, row rows.Application, amount int64) (*loanv1.QuoteResponse, error) {
	v, err := s.versionOf(ctx, row.Product, int32(row.ProductVersion))
	if err != nil {
		return nil, err
	}
	on, err := s.businessDate(ctx, s.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	plan, err := v.pricePlan(wishOf(row, amount), row.RatePpm, on)
	if err != nil {
		return nil, err
	}
	return &loanv1.QuoteResponse{Product: v.Code, ProductVersion: v.Number, PriceBasis: basisGrade, Grade: row.Grade, RatePpm: int32(row.RatePpm),
		DisbursedOn: on.String(), Rows: toPlanRows(plan.plan), Cost: toCost(plan)}, nil
}

func wishOf(row rows.Application, amount int64) wish {
	return wish{AmountMinor: amount, TermMonths: int32(row.TermMonths), Method: row.Method}
}
