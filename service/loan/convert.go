package loan

import (
	"encoding/json"
	"fmt"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/service/loan/rows"
)

func toLimit(r rows.CreditLimit) *loanv1.Limit {
	return &loanv1.Limit{
		TotalMinor: r.TotalMinor, FrozenMinor: r.FrozenMinor, UsedMinor: r.UsedMinor, AvailableMinor: creditOf(r).available(),
		Grade: r.Grade, RatePpm: int32(r.RatePpm), Version: r.Version,
	}
}

func toLimitChange(r rows.CreditLimitChange) *loanv1.LimitChange {
	return &loanv1.LimitChange{Version: r.Version, Cause: r.Cause, SubjectId: r.SubjectID, TotalMinor: r.TotalMinor,
		FrozenMinor: r.FrozenMinor, UsedMinor: r.UsedMinor, AtMs: r.AtMs}
}

// fromProduct is a product as the API states it.
func fromProduct(p *loanv1.Product) *product {
	out := &product{
		Code: p.GetCode(), NameZH: p.GetNameZh(), NameEN: p.GetNameEn(), LenderType: p.GetLenderType(), Lender: p.GetLender(),
		Currency: p.GetCurrency(), MinAmountMinor: p.GetMinAmountMinor(), MaxAmountMinor: p.GetMaxAmountMinor(),
		AmountStepMinor: p.GetAmountStepMinor(), TermsMonths: list(p.GetTermsMonths()), Methods: list(p.GetMethods()),
		DayCount: p.GetDayCount(), MonthEnd: p.GetMonthEnd(), Rounding: p.GetRounding(), Grades: []grade{}, Fees: []fee{},
		PenaltyFactorPPM: p.GetPenaltyFactorPpm(), GraceDays: p.GetGraceDays(), GraceFromDue: p.GetGraceFromDue(),
		CompoundOverdueInterest: p.GetCompoundOverdueInterest(), AllocationBy: p.GetAllocationBy(),
		AllocationOrder: list(p.GetAllocationOrder()), Prepayment: p.GetPrepayment(), CoolingOffDays: p.GetCoolingOffDays(),
		CoolingOffOwes: p.GetCoolingOffOwes(), Regions: list(p.GetRegions()), Purposes: list(p.GetPurposes()),
		EffectiveFrom: p.GetEffectiveFrom(), EffectiveTo: p.GetEffectiveTo(), MinReadSeconds: p.GetMinReadSeconds(),
		ApprovalValidDays: p.GetApprovalValidDays(), RetryDays: p.GetRetryDays(), ContractTemplate: p.GetContractTemplate(),
		DueDay: p.GetDueDay(),
	}
	for _, g := range p.GetGrades() {
		out.Grades = append(out.Grades, grade{Grade: g.GetGrade(), RatePPM: g.GetRatePpm(), MaxLimitMinor: g.GetMaxLimitMinor()})
	}
	for _, f := range p.GetFees() {
		out.Fees = append(out.Fees, fee{Code: f.GetCode(), NameZH: f.GetNameZh(), NameEN: f.GetNameEn(), RatePPM: f.GetRatePpm(),
			Payee: f.GetPayee(), PayeeRole: f.GetPayeeRole(), Charged: f.GetCharged()})
	}
	return out
}

// list is never nil, so that a record writes [] and not null.
func list[T any](in []T) []T { return append([]T{}, in...) }

func toProduct(p *product) *loanv1.Product {
	out := &loanv1.Product{
		Code: p.Code, NameZh: p.NameZH, NameEn: p.NameEN, LenderType: p.LenderType, Lender: p.Lender, Currency: p.Currency,
		MinAmountMinor: p.MinAmountMinor, MaxAmountMinor: p.MaxAmountMinor, AmountStepMinor: p.AmountStepMinor,
		TermsMonths: p.TermsMonths, Methods: p.Methods, DayCount: p.DayCount, MonthEnd: p.MonthEnd, Rounding: p.Rounding,
		PenaltyFactorPpm: p.PenaltyFactorPPM, GraceDays: p.GraceDays, GraceFromDue: p.GraceFromDue,
		CompoundOverdueInterest: p.CompoundOverdueInterest, AllocationBy: p.AllocationBy, AllocationOrder: p.AllocationOrder,
		Prepayment: p.Prepayment, CoolingOffDays: p.CoolingOffDays, CoolingOffOwes: p.CoolingOffOwes, Regions: p.Regions,
		Purposes: p.Purposes, EffectiveFrom: p.EffectiveFrom, EffectiveTo: p.EffectiveTo, MinReadSeconds: p.MinReadSeconds,
		ApprovalValidDays: p.ApprovalValidDays, RetryDays: p.RetryDays, ContractTemplate: p.ContractTemplate, DueDay: p.DueDay,
	}
	for _, g := range p.Grades {
		out.Grades = append(out.Grades, &loanv1.GradePrice{Grade: g.Grade, RatePpm: g.RatePPM, MaxLimitMinor: g.MaxLimitMinor})
	}
	for _, f := range p.Fees {
		out.Fees = append(out.Fees, &loanv1.ProductFee{Code: f.Code, NameZh: f.NameZH, NameEn: f.NameEN, RatePpm: f.RatePPM,
			Payee: f.Payee, PayeeRole: f.PayeeRole, Charged: f.Charged})
	}
	return out
}

func toProductVersion(v *version, onOffer bool) *loanv1.ProductVersion {
	return &loanv1.ProductVersion{Product: toProduct(&v.product), Version: v.Number, ProposedBy: v.ProposedBy,
		ApprovedBy: v.ApprovedBy, ApprovedMs: v.ApprovedMS, Hash: v.Hash, OnOffer: onOffer}
}

func (s *Service) toOffer(v *version) *loanv1.Offer {
	out := &loanv1.Offer{
		Product: v.Code, Version: v.Number, NameZh: v.NameZH, NameEn: v.NameEN, Currency: v.Currency,
		MinAmountMinor: v.MinAmountMinor, MaxAmountMinor: v.MaxAmountMinor, AmountStepMinor: v.AmountStepMinor,
		TermsMonths: v.TermsMonths, Methods: v.Methods, MinRatePpm: v.dearest().RatePPM, MaxRatePpm: v.dearest().RatePPM,
		Purposes: s.purposes.offered(&v.product), CoolingOffDays: v.CoolingOffDays, GraceDays: v.GraceDays,
		PenaltyFactorPpm: v.PenaltyFactorPPM, Lender: v.Lender,
	}
	for _, g := range v.Grades {
		out.MinRatePpm = min(out.MinRatePpm, g.RatePPM)
	}
	return out
}

// reason is a reason of a decision as it is kept with the application.
type reason struct {
	Code     string `json:"code"`
	ZH       string `json:"zh"`
	EN       string `json:"en"`
	Internal bool   `json:"internal"`
}

func reasonsOf(raw []byte) ([]reason, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var out []reason
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("parsing reasons: %w", err)
	}
	return out, nil
}

func fromReasons(in []*riskv1.Reason) []reason {
	out := make([]reason, 0, len(in))
	for _, r := range in {
		out = append(out, reason{Code: r.GetCode(), ZH: r.GetSentenceZh(), EN: r.GetSentenceEn(), Internal: r.GetInternal()})
	}
	return out
}

// toApplication is an application as its borrower sees it: internal reasons are left out, and a refusal that has only such
// is given a general one.
func toApplication(r rows.Application) (*loanv1.Application, error) {
	out := &loanv1.Application{
		ApplicationId: r.ID, State: r.State, Product: r.Product, ProductVersion: int32(r.ProductVersion), AmountMinor: r.AmountMinor,
		ApprovedMinor: r.ApprovedMinor, TermMonths: int32(r.TermMonths), Method: r.Method, Purpose: r.Purpose, CardId: r.CardID,
		RetryOn: r.RetryOn, LoanId: r.LoanID, CreatedMs: r.CreatedMs, MovedMs: r.MovedMs,
	}
	approved := r.ApprovedMinor > 0
	if approved {
		out.Grade, out.RatePpm = r.Grade, int32(r.RatePpm)
	}
	if r.OpenKey == 0 && approved {
		out.ExpiresOn = r.ExpiresOn
	}
	if r.State == string(domain.Rejected) {
		reasons, err := reasonsOf(r.Reasons)
		if err != nil {
			return nil, err
		}
		for _, x := range reasons {
			if !x.Internal {
				out.Reasons = append(out.Reasons, &loanv1.ApplicationReason{Code: x.Code, SentenceZh: x.ZH, SentenceEn: x.EN})
			}
		}
		if len(out.Reasons) == 0 {
			out.Reasons = []*loanv1.ApplicationReason{{Code: "application.assessment", SentenceZh: "综合评估未通过。",
				SentenceEn: "The overall assessment did not allow an approval."}}
		}
	}
	out.NextZh, out.NextEn = next(r)
	return out, nil
}

func toSteps(in []rows.ApplicationStep) []*loanv1.ApplicationStep {
	out := make([]*loanv1.ApplicationStep, 0, len(in))
	for _, st := range in {
		out = append(out, &loanv1.ApplicationStep{From: st.FromState, To: st.ToState, Reason: st.Reason, By: st.ByStaff, AtMs: st.AtMs})
	}
	return out
}

// fromStated is what the applicant says, as risk takes it.
func fromStated(in *loanv1.StatedFacts) *riskv1.Stated {
	return &riskv1.Stated{
		StatusAccount: in.GetStatusAccount(), CreditHistory: in.GetCreditHistory(), Savings: in.GetSavings(),
		EmploymentDuration: in.GetEmploymentDuration(), InstallmentRate: in.GetInstallmentRate(), OtherDebtors: in.GetOtherDebtors(),
		PresentResidence: in.GetPresentResidence(), Property: in.GetProperty(), OtherInstallmentPlans: in.GetOtherInstallmentPlans(),
		Housing: in.GetHousing(), NumberCredits: in.GetNumberCredits(), Job: in.GetJob(), PeopleLiable: in.GetPeopleLiable(),
		Telephone: in.GetTelephone(), IncomeMinor: in.GetIncomeMinor(),
	}
}

func toStated(in *riskv1.Stated) *loanv1.StatedFacts {
	return &loanv1.StatedFacts{
		StatusAccount: in.GetStatusAccount(), CreditHistory: in.GetCreditHistory(), Savings: in.GetSavings(),
		EmploymentDuration: in.GetEmploymentDuration(), InstallmentRate: in.GetInstallmentRate(), OtherDebtors: in.GetOtherDebtors(),
		PresentResidence: in.GetPresentResidence(), Property: in.GetProperty(), OtherInstallmentPlans: in.GetOtherInstallmentPlans(),
		Housing: in.GetHousing(), NumberCredits: in.GetNumberCredits(), Job: in.GetJob(), PeopleLiable: in.GetPeopleLiable(),
		Telephone: in.GetTelephone(), IncomeMinor: in.GetIncomeMinor(),
	}
}
