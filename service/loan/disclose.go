package loan

import (
	"context"
	"encoding/json"
	"fmt"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/cost"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// disclosureTemplate is the version of the table's layout.
const disclosureTemplate = "cost-table-1"

// costTable is the table 明示综合融资成本 as it is hashed, shown, confirmed and kept.
type costTable struct {
	Template       string     `json:"template"`
	ApplicationID  int64      `json:"application_id,string"`
	Product        string     `json:"product"`
	ProductVersion int32      `json:"product_version"`
	Lender         string     `json:"lender"`
	LenderType     string     `json:"lender_type"`
	Currency       string     `json:"currency"`
	Principal      int64      `json:"principal_minor"`
	TermMonths     int32      `json:"term_months"`
	Method         string     `json:"method"`
	RatePPM        int64      `json:"rate_ppm"`
	DisbursedOn    string     `json:"disbursed_on"`
	Items          []costLine `json:"items"`
	Contingent     []costLine `json:"contingent_items"`
	Interest       int64      `json:"interest_minor"`
	Fees           int64      `json:"fee_minor"`
	Total          int64      `json:"total_minor"`
	// SimpleBP and EffectiveBP are hundredths of a percent, rounded up.
	SimpleBP       int64     `json:"annual_simple_bp"`
	SimpleLabel    string    `json:"annual_simple_label"`
	EffectiveBP    int64     `json:"annual_effective_bp"`
	EffectiveLabel string    `json:"annual_effective_label"`
	CapPPM         int64     `json:"cap_ppm"`
	CapRule        string    `json:"cap_rule"`
	PromiseZH      string    `json:"promise_zh"`
	PromiseEN      string    `json:"promise_en"`
	MinReadSeconds int32     `json:"min_read_seconds"`
	Rows           []planRow `json:"rows"`
}

type costLine struct {
	Code      string `json:"code"`
	NameZH    string `json:"name_zh"`
	NameEN    string `json:"name_en"`
	MethodZH  string `json:"method_zh"`
	MethodEN  string `json:"method_en"`
	RatePPM   int64  `json:"rate_ppm"`
	Amount    int64  `json:"amount_minor"`
	Payee     string `json:"payee"`
	PayeeRole string `json:"payee_role"`
}

type planRow struct {
	Number    int    `json:"number"`
	DueOn     string `json:"due_on"`
	Principal int64  `json:"principal_minor"`
	Interest  int64  `json:"interest_minor"`
	Fee       int64  `json:"fee_minor"`
	Total     int64  `json:"total_minor"`
	Balance   int64  `json:"balance_minor"`
}

func planRows(p priced) []planRow {
	out := make([]planRow, 0, len(p.plan.Rows))
	for _, r := range p.plan.Rows {
		out = append(out, planRow{Number: r.Number, DueOn: r.DueOn.String(), Principal: int64(r.Principal), Interest: int64(r.Interest),
			Fee: int64(r.Fee), Total: int64(r.Due()), Balance: int64(r.Balance)})
	}
	return out
}

// disclosed makes the table of an approved application if its money goes out on a date.
func (s *Service) disclosed(row rows.Application, v *version, on calendar.Date) (costTable, error) {
	p, err := v.pricePlan(wishOf(row, row.ApprovedMinor), row.RatePpm, on)
	if err != nil {
		return costTable{}, err
	}
	terms, err := v.contractTerms(row, on)
	if err != nil {
		return costTable{}, err
	}
	items, contingent := costItems(v, p, terms, row.RatePpm)
	table, err := cost.Disclose(money.Amount(row.ApprovedMinor), p.annual, items, contingent)
	if err != nil {
		return costTable{}, errs.Wrap(err, "putting the table of costs together")
	}
	principal, interest, fees := p.plan.Totals()
	if table.TotalCost != interest+fees || int64(principal) != row.ApprovedMinor {
		return costTable{}, errs.New(errs.Internal, "disclosure.incomplete", "费用明示表与还款计划不一致。", "The table of costs does not match the plan.")
	}
	return costTable{
		Template: disclosureTemplate, ApplicationID: row.ID, Product: v.Code, ProductVersion: v.Number, Lender: v.Lender, LenderType: v.LenderType,
		Currency: v.Currency, Principal: row.ApprovedMinor, TermMonths: int32(row.TermMonths), Method: row.Method, RatePPM: row.RatePpm,
		DisbursedOn: on.String(), Items: costLines(table.Items), Contingent: costLines(table.Contingent),
		Interest: int64(interest), Fees: int64(fees), Total: int64(principal + interest + fees),
		SimpleBP: table.SimpleShown, SimpleLabel: "单利", EffectiveBP: table.EffectiveShown, EffectiveLabel: "复利",
		CapPPM: p.cap.PPM, CapRule: rule(p.cap.Row), PromiseZH: table.SentenceZH, PromiseEN: table.SentenceEN,
		MinReadSeconds: minReadSeconds(&v.product, on), Rows: planRows(p),
	}, nil
}

// costItems are the lines: what is paid if all goes well, and what only a default brings.
func costItems(v *version, p priced, terms domain.Terms, ratePPM int64) (items, contingent []cost.Item) {
	_, interest, fees := p.plan.Totals()
	lender := func(i cost.Item) cost.Item {
		i.Payee, i.PayeeName = cost.PayeeLender, v.Lender
		return i
	}
	items = append(items, lender(cost.Item{Kind: "interest", ZH: "利息", EN: "Interest", MethodZH: "按期计收，以未还本金为基数", MethodEN: "With each instalment, on the principal not repaid",
		StandardPPM: ratePPM, Total: interest}))
	left := fees
	for i, f := range v.Fees {
		share := left
		if i < len(v.Fees)-1 {
			share = fees * money.Amount(f.RatePPM) / money.Amount(totalRate(v.Fees))
		}
		left -= share
		items = append(items, cost.Item{Kind: "fee", ZH: f.NameZH, EN: f.NameEN, MethodZH: "随每期还款计收，以借款本金为基数", MethodEN: "With each instalment, on the principal lent",
			Payee: cost.Payee(f.PayeeRole), PayeeName: f.Payee, StandardPPM: int64(f.RatePPM), Total: share})
	}
	penalty := min(ratePPM*terms.PenaltyPermille/1000, terms.RunningCapPPM)
	contingent = append(contingent, lender(cost.Item{Kind: "penalty", ZH: "罚息", EN: "Penalty interest",
		MethodZH:    fmt.Sprintf("逾期超过 %d 天宽限期时，对逾期本金自到期日起计收，代替合同利息；与利息、费用合计每年不超过未还本金的 %s", v.GraceDays, ratePercent(terms.RunningCapPPM)),
		MethodEN:    fmt.Sprintf("After %d days of grace, on overdue principal from its due date, in place of interest; with interest and fees never above %s a year of unpaid principal", v.GraceDays, ratePercent(terms.RunningCapPPM)),
		StandardPPM: penalty}))
	if v.CompoundOverdueInterest {
		contingent = append(contingent, lender(cost.Item{Kind: "compound", ZH: "复利", EN: "Compound interest", MethodZH: "对逾期未付的合同利息按罚息利率计收，计入上述上限",
			MethodEN: "On overdue contract interest at the penalty rate, within the same bound", StandardPPM: penalty}))
	}
	return items, contingent
}

func totalRate(fees []fee) int64 {
	var sum int64
	for _, f := range fees {
		sum += int64(f.RatePPM)
	}
	return max(sum, 1)
}

func costLines(in []cost.Item) []costLine {
	out := make([]costLine, 0, len(in))
	for _, i := range in {
		out = append(out, costLine{Code: i.Kind, NameZH: i.ZH, NameEN: i.EN, MethodZH: i.MethodZH, MethodEN: i.MethodEN, RatePPM: i.StandardPPM,
			Amount: int64(i.Total), Payee: i.PayeeName, PayeeRole: string(i.Payee)})
	}
	return out
}

// GetDisclosure answers the table: as it would be today, or as it was confirmed.
func (p public) GetDisclosure(ctx context.Context, req *loanv1.GetDisclosureRequest) (*loanv1.Disclosure, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.applicationOf(ctx, p.deps.DB.Primary(), who.ID, req.GetApplicationId())
	if err != nil {
		return nil, err
	}
	kept, err := rows.New(p.deps.DB.Primary()).Disclosure(ctx, rows.DisclosureParams{Bucket: row.Bucket, ApplicationID: row.ID})
	if err == nil {
		var table costTable
		if err := json.Unmarshal(kept.Record, &table); err != nil {
			return nil, fmt.Errorf("reading a confirmed table of costs: %w", err)
		}
		return toDisclosure(table, kept.Record, kept.Hash, kept.ConfirmedMs), nil
	}
	if !isNoRows(err) {
		return nil, errs.Wrap(err, "reading a confirmed table of costs")
	}
	if row.State != string(domain.Approved) {
		return nil, illegal(domain.ApplicationState(row.State), nil)
	}
	table, record, err := p.table(ctx, row)
	if err != nil {
		return nil, err
	}
	return toDisclosure(table, record, fingerprint(record), 0), nil
}

// table is the table of an application as it would be today, with its canonical record.
func (s *Service) table(ctx context.Context, row rows.Application) (costTable, []byte, error) {
	v, err := s.versionOf(ctx, row.Product, int32(row.ProductVersion))
	if err != nil {
		return costTable{}, nil, err
	}
	on, err := s.businessDate(ctx, s.deps.DB.Primary())
	if err != nil {
		return costTable{}, nil, err
	}
	table, err := s.disclosed(row, v, on)
	if err != nil {
		return costTable{}, nil, err
	}
	record, err := canonical(table)
	return table, record, err
}

func toDisclosure(t costTable, record []byte, hash string, confirmedMS int64) *loanv1.Disclosure {
	out := &loanv1.Disclosure{
		ApplicationId: t.ApplicationID, Template: t.Template, Hash: hash, Record: string(record), Lender: t.Lender, PrincipalMinor: t.Principal,
		RatePpm: int32(t.RatePPM), Items: toCostItems(t.Items), ContingentItems: toCostItems(t.Contingent),
		Cost: &loanv1.Cost{PrincipalMinor: t.Principal, InterestMinor: t.Interest, FeeMinor: t.Fees, TotalMinor: t.Total,
			AnnualSimplePpm: int32(t.SimpleBP * 100), AnnualEffectivePpm: int32(t.EffectiveBP * 100), SimpleLabel: t.SimpleLabel, CapPpm: int32(t.CapPPM)},
		PromiseZh: t.PromiseZH, PromiseEn: t.PromiseEN, MinReadSeconds: t.MinReadSeconds, DisbursedOn: t.DisbursedOn, ConfirmedMs: confirmedMS,
	}
	for _, r := range t.Rows {
		out.Rows = append(out.Rows, &loanv1.PlanRow{Number: int32(r.Number), DueOn: r.DueOn, PrincipalMinor: r.Principal, InterestMinor: r.Interest,
			FeeMinor: r.Fee, TotalMinor: r.Total, BalanceMinor: r.Balance})
	}
	return out
}

func toCostItems(in []costLine) []*loanv1.CostItem {
	out := make([]*loanv1.CostItem, 0, len(in))
	for _, i := range in {
		out = append(out, &loanv1.CostItem{Code: i.Code, NameZh: i.NameZH, NameEn: i.NameEN, MethodZh: i.MethodZH, MethodEn: i.MethodEN,
			RatePpm: int32(i.RatePPM), AmountMinor: i.Amount, Payee: i.Payee, PayeeRole: i.PayeeRole})
	}
	return out
}
