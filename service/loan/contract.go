package loan

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/domain/allocate"
	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/domain/schedule"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/loan/rows"
)

var errNoContract = errs.New(errs.NotFound, "contract.not_found", "该申请尚无合同。", "The application has no contract yet.")

// contractRecord is what is hashed and signed. The nonce keeps the hash from being searched for a name or an ID number.
type contractRecord struct {
	Template       string    `json:"template"`
	TitleZH        string    `json:"title_zh"`
	TitleEN        string    `json:"title_en"`
	ContractID     int64     `json:"contract_id,string"`
	ApplicationID  int64     `json:"application_id,string"`
	Lender         string    `json:"lender"`
	BorrowerName   string    `json:"borrower_name"`
	BorrowerIDNo   string    `json:"borrower_id_no"`
	Product        string    `json:"product"`
	ProductVersion int32     `json:"product_version"`
	Principal      int64     `json:"principal_minor"`
	Currency       string    `json:"currency"`
	RatePPM        int64     `json:"rate_ppm"`
	TermMonths     int32     `json:"term_months"`
	Method         string    `json:"method"`
	DayCount       string    `json:"day_count"`
	Purpose        string    `json:"purpose"`
	PlannedPayout  string    `json:"planned_payout_on"`
	Rows           []planRow `json:"rows"`
	DisclosureHash string    `json:"disclosure_hash"`
	Clauses        []clause  `json:"clauses"`
	Nonce          string    `json:"nonce"`
}

// contractTerms are what the contract fixes for the life of the loan. The day of payout is not known yet.
func (v *version) contractTerms(row rows.Application, on calendar.Date) (domain.Terms, error) {
	t, err := domain.Defaults(legal.Lender(v.LenderType), on)
	if err != nil {
		return t, errs.Wrap(err, "reading the legal numbers of a contract")
	}
	if t.Plan, err = v.terms(wishOf(row, row.ApprovedMinor), row.RatePpm, calendar.None); err != nil {
		return t, err
	}
	t.PenaltyPermille, t.Compound, t.GraceDays = int64(v.PenaltyFactorPPM)/1000, v.CompoundOverdueInterest, int(v.GraceDays)
	order := make([]allocate.Component, len(v.AllocationOrder))
	for i, name := range v.AllocationOrder {
		if err := order[i].UnmarshalText([]byte(name)); err != nil {
			return t, fmt.Errorf("reading the order of allocation: %w", err)
		}
	}
	t.Allocation = allocate.Rule{Order: allocate.Order{By: allocate.By(v.AllocationBy), Order: order}}
	return t, errs.Wrap(t.Check(), "checking the terms of a contract")
}

// draft makes the contract of an application and seals it under the borrower's key. It calls user.
func (s *Service) draft(ctx context.Context, row rows.Application, table costTable, disclosureHash string) (rows.InsertContractParams, error) {
	var none rows.InsertContractParams
	v, err := s.versionOf(ctx, row.Product, int32(row.ProductVersion))
	if err != nil {
		return none, err
	}
	template, ok := s.templates[v.ContractTemplate]
	if !ok {
		return none, errs.New(errs.Internal, "contract.no_template", "合同模板缺失。", "The contract template is missing.")
	}
	on, err := calendar.Parse(table.DisbursedOn)
	if err != nil {
		return none, fmt.Errorf("reading the planned payout: %w", err)
	}
	terms, err := v.contractTerms(row, on)
	if err != nil {
		return none, err
	}
	who, err := s.deps.User.Reveal(ctx, &userv1.RevealRequest{UserId: row.UserID, Fields: []string{"name", "id_no"}, Purpose: "contract", SubjectId: row.ID})
	if err != nil {
		return none, errs.Wrap(err, "asking user for the parties of a contract")
	}
	card, err := s.card(ctx, row, on)
	if err != nil {
		return none, err
	}
	clauses, err := template.fill(s.words(row, v, table, terms, who, card, disclosureHash))
	if err != nil {
		return none, fmt.Errorf("filling the contract template: %w", err)
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return none, fmt.Errorf("drawing a nonce: %w", err)
	}
	contractID := s.deps.IDs.New(row.Bucket)
	record, err := canonical(contractRecord{
		Template: template.Name, TitleZH: template.TitleZH, TitleEN: template.TitleEN, ContractID: contractID, ApplicationID: row.ID, Lender: v.Lender,
		BorrowerName: who.GetName(), BorrowerIDNo: who.GetIdNo(), Product: v.Code, ProductVersion: v.Number, Principal: row.ApprovedMinor,
		Currency: v.Currency, RatePPM: row.RatePpm, TermMonths: table.TermMonths, Method: row.Method, DayCount: v.DayCount, Purpose: row.Purpose,
		PlannedPayout: table.DisbursedOn, Rows: table.Rows, DisclosureHash: disclosureHash, Clauses: clauses, Nonce: hex.EncodeToString(nonce),
	})
	if err != nil {
		return none, err
	}
	sealed, err := s.deps.Vault.SealBytes(ctx, row.UserID, classTransaction, fieldContract, record)
	if err != nil {
		return none, errs.Wrap(err, "sealing the contract")
	}
	return rows.InsertContractParams{Bucket: row.Bucket, ID: contractID, ApplicationID: row.ID, UserID: row.UserID, State: string(domain.ContractDrafted),
		Template: template.Name, Hash: fingerprint(record), RecordSealed: sealed, DisclosureHash: disclosureHash,
		MadeMs: s.deps.Clock.Now().UnixMilli(), Version: 1}, nil
}

// card is the card of an application as it is today: still the borrower's and verified.
func (s *Service) card(ctx context.Context, row rows.Application, on calendar.Date) (*userv1.Card, error) {
	standing, err := s.deps.User.GetStanding(ctx, &userv1.GetStandingRequest{UserId: row.UserID, On: on.String()})
	if err != nil {
		return nil, errs.Wrap(err, "asking user for the borrower's standing")
	}
	return refusedByStanding(standing, row.CardID, on)
}

// words are what the template's braces stand for.
func (s *Service) words(row rows.Application, v *version, table costTable, terms domain.Terms, who *userv1.RevealResponse, card *userv1.Card, disclosureHash string) map[string]string {
	use, _ := s.purposes.find(row.Purpose)
	method, _ := schedule.Find(row.Method)
	if method == nil {
		method = &schedule.Method{ZH: row.Method, EN: row.Method}
	}
	penalty := min(row.RatePpm*terms.PenaltyPermille/1000, terms.RunningCapPPM)
	return map[string]string{
		"lender": v.Lender, "borrower": who.GetName(), "id_no": who.GetIdNo(), "amount": money.CNY.Format(money.Amount(row.ApprovedMinor)),
		"bank": card.GetBank(), "last4": card.GetLast4(), "purpose_zh": use.NameZH, "purpose_en": use.NameEN,
		"term": strconv.FormatInt(row.TermMonths, 10), "rate": ratePercent(row.RatePpm), "day_count": v.DayCount,
		"simple": percent(table.SimpleBP), "effective": percent(table.EffectiveBP), "disclosure_hash": disclosureHash,
		"method_zh": method.ZH, "method_en": method.EN, "grace_days": strconv.Itoa(int(v.GraceDays)),
		"penalty_rate": ratePercent(penalty), "running_cap": ratePercent(terms.RunningCapPPM),
	}
}

// GetContract answers the contract of an application.
func (p public) GetContract(ctx context.Context, req *loanv1.GetContractRequest) (*loanv1.Contract, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.applicationOf(ctx, p.deps.DB.Primary(), who.ID, req.GetApplicationId())
	if err != nil {
		return nil, err
	}
	return p.contract(ctx, row)
}

// contract opens the contract for its borrower.
func (s *Service) contract(ctx context.Context, row rows.Application) (*loanv1.Contract, error) {
	q := rows.New(s.deps.DB.Primary())
	c, err := q.ContractOfApplication(ctx, rows.ContractOfApplicationParams{Bucket: row.Bucket, ApplicationID: row.ID})
	if err != nil {
		return nil, errs.Wrap(notFound(err, errNoContract), "reading a contract")
	}
	kept, err := q.Disclosure(ctx, rows.DisclosureParams{Bucket: row.Bucket, ApplicationID: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "reading a confirmed table of costs")
	}
	record, err := s.deps.Vault.OpenBytes(ctx, row.UserID, classTransaction, "contract", fieldContract, c.RecordSealed)
	if err != nil {
		return nil, errs.Wrap(err, "opening a contract")
	}
	if fingerprint(record) != c.Hash {
		return nil, errs.New(errs.Internal, "contract.damaged", "合同记录校验失败。", "The stored contract does not match its hash.")
	}
	var body contractRecord
	if err := json.Unmarshal(record, &body); err != nil {
		return nil, fmt.Errorf("reading a contract: %w", err)
	}
	out := &loanv1.Contract{ContractId: c.ID, ApplicationId: c.ApplicationID, Template: c.Template, Hash: c.Hash, Record: string(record),
		State: c.State, SignedMs: c.SignedMs, DisclosureConfirmedMs: kept.ConfirmedMs, DisclosureHash: c.DisclosureHash, LoanId: c.LoanID}
	for _, cl := range slices.DeleteFunc(body.Clauses, func(cl clause) bool { return !cl.Highlight }) {
		out.Highlighted = append(out.Highlighted, &loanv1.ContractClause{Code: cl.Code, TextZh: cl.ZH, TextEn: cl.EN})
	}
	return out, nil
}
