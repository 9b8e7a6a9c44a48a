package loan

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// product holds all parameters of one version. It is stored as canonical JSON and never changed.
type product struct {
	Code                    string   `json:"code"`
	NameZH                  string   `json:"name_zh"`
	NameEN                  string   `json:"name_en"`
	LenderType              string   `json:"lender_type"`
	Lender                  string   `json:"lender"`
	Currency                string   `json:"currency"`
	MinAmountMinor          int64    `json:"min_amount_minor"`
	MaxAmountMinor          int64    `json:"max_amount_minor"`
	AmountStepMinor         int64    `json:"amount_step_minor"`
	TermsMonths             []int32  `json:"terms_months"`
	Methods                 []string `json:"methods"`
	DayCount                string   `json:"day_count"`
	MonthEnd                string   `json:"month_end"`
	Rounding                string   `json:"rounding"`
	Grades                  []grade  `json:"grades"`
	Fees                    []fee    `json:"fees"`
	PenaltyFactorPPM        int32    `json:"penalty_factor_ppm"`
	GraceDays               int32    `json:"grace_days"`
	GraceFromDue            bool     `json:"grace_from_due"`
	CompoundOverdueInterest bool     `json:"compound_overdue_interest"`
	AllocationBy            string   `json:"allocation_by"`
	AllocationOrder         []string `json:"allocation_order"`
	Prepayment              string   `json:"prepayment"`
	CoolingOffDays          int32    `json:"cooling_off_days"`
	CoolingOffOwes          string   `json:"cooling_off_owes"`
	Regions                 []string `json:"regions"`
	Purposes                []string `json:"purposes"`
	EffectiveFrom           string   `json:"effective_from"`
	EffectiveTo             string   `json:"effective_to"`
	MinReadSeconds          int32    `json:"min_read_seconds"`
	ApprovalValidDays       int32    `json:"approval_valid_days"`
	RetryDays               int32    `json:"retry_days"`
	ContractTemplate        string   `json:"contract_template"`
	DueDay                  int32    `json:"due_day"`
}

// grade is price and greatest limit of one grade.
type grade struct {
	Grade         string `json:"grade"`
	RatePPM       int32  `json:"rate_ppm"`
	MaxLimitMinor int64  `json:"max_limit_minor"`
}

// fee is a charge beside interest.
type fee struct {
	Code      string `json:"code"`
	NameZH    string `json:"name_zh"`
	NameEN    string `json:"name_en"`
	RatePPM   int32  `json:"rate_ppm"`
	Payee     string `json:"payee"`
	PayeeRole string `json:"payee_role"`
	Charged   string `json:"charged"`
}

// price answers the price of a grade.
func (p *product) price(code string) (grade, bool) {
	i := slices.IndexFunc(p.Grades, func(g grade) bool { return g.Grade == code })
	if i < 0 {
		return grade{}, false
	}
	return p.Grades[i], true
}

// dearest answers the grade with the highest rate.
func (p *product) dearest() grade {
	return slices.MaxFunc(p.Grades, func(a, b grade) int { return int(a.RatePPM) - int(b.RatePPM) })
}

// offeredOn says whether the version is on offer on a date.
func (p *product) offeredOn(date string) bool {
	return p.EffectiveFrom <= date && (p.EffectiveTo == "" || date <= p.EffectiveTo)
}

// version is a product with who made it.
type version struct {
	product
	Number     int32
	ProposedBy int64
	ApprovedBy int64
	ApprovedMS int64
	Hash       string
}

// catalogue keeps versions in memory. A version never changes, so what is known stays right; whether there are newer ones
// is asked again every few seconds, because another process may have approved one.
type catalogue struct {
	mu    sync.Mutex
	all   []*version
	asked time.Time
}

const catalogueAge = 2 * time.Second

// versions answers all versions by code and number. In the sandbox profile an empty catalogue is filled with the seeds.
func (s *Service) versions(ctx context.Context) ([]*version, error) {
	c := &s.catalogue
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) > 0 && clock.Since(c.asked) < catalogueAge {
		return c.all, nil
	}
	list, err := rows.New(s.deps.DB.Primary()).ProductVersions(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading products")
	}
	if len(list) == 0 && s.deps.Sandbox {
		if list, err = s.seed(ctx); err != nil {
			return nil, errs.Wrap(err, "seeding products")
		}
	}
	all := make([]*version, 0, len(list))
	for _, r := range list {
		v, err := toVersion(r)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	c.all, c.asked = all, clock.Real()
	return all, nil
}

// forget makes the next question read the database.
func (c *catalogue) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = nil
}

func toVersion(r rows.ProductVersion) (*version, error) {
	v := &version{Number: int32(r.Version), ProposedBy: r.ProposedBy, ApprovedBy: r.ApprovedBy, ApprovedMS: r.ApprovedMs, Hash: r.Hash}
	if err := json.Unmarshal(r.Body, &v.product); err != nil {
		return nil, fmt.Errorf("parsing product %s version %d: %w", r.Code, r.Version, err)
	}
	return v, nil
}

var errNoProduct = errs.New(errs.Invalid, "product.unknown", "没有这个产品。", "There is no such product.").On("product")

// offered answers the version of a product that is on offer on a date: the newest that is in effect.
func (s *Service) offered(ctx context.Context, code, date string) (*version, error) {
	all, err := s.versions(ctx)
	if err != nil {
		return nil, err
	}
	var found *version
	known := false
	for _, v := range all {
		if v.Code != code {
			continue
		}
		known = true
		if v.offeredOn(date) {
			found = v
		}
	}
	switch {
	case found != nil:
		return found, nil
	case known:
		return nil, errs.New(errs.Invalid, "product.not_on_offer", "该产品目前不提供。", "This product is not on offer today.").On("product")
	}
	return nil, errNoProduct
}

// versionOf answers one version; it never changes.
func (s *Service) versionOf(ctx context.Context, code string, number int32) (*version, error) {
	all, err := s.versions(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.Code == code && v.Number == number {
			return v, nil
		}
	}
	s.catalogue.forget()
	r, err := rows.New(s.deps.DB.Primary()).ProductVersion(ctx, rows.ProductVersionParams{Code: code, Version: int64(number)})
	if err != nil {
		return nil, errs.Wrap(notFound(err, errNoProduct), "reading a product")
	}
	return toVersion(r)
}

// addVersion stores the next version of a product. Two at the same moment: one answers Conflict.
func (s *Service) addVersion(tx *store.Tx, p *product, proposalID, proposedBy, approvedBy int64) (*version, error) {
	q := rows.New(tx)
	number := int64(1)
	newest, err := q.NewestProductVersion(tx.Context(), p.Code)
	switch {
	case err == nil:
		number = newest.Version + 1
	case !isNoRows(err):
		return nil, fmt.Errorf("reading the newest version: %w", err)
	}
	body, err := canonical(p)
	if err != nil {
		return nil, err
	}
	now := s.deps.Clock.Now().UnixMilli()
	err = q.InsertProductVersion(tx.Context(), rows.InsertProductVersionParams{
		Code: p.Code, Version: number, Hash: fingerprint(body), EffectiveFrom: p.EffectiveFrom, EffectiveTo: p.EffectiveTo,
		ProposalID: proposalID, ProposedBy: proposedBy, ApprovedBy: approvedBy, ApprovedMs: now, Body: body,
	})
	if err != nil {
		return nil, err
	}
	tx.AfterCommit(s.catalogue.forget)
	return &version{product: *p, Number: int32(number), ProposedBy: proposedBy, ApprovedBy: approvedBy, ApprovedMS: now, Hash: fingerprint(body)}, nil
}

// seed stores the products of the sandbox profile. Two processes at the same moment: the other's rows are as good.
func (s *Service) seed(ctx context.Context) ([]rows.ProductVersion, error) {
	seeds, err := readSeeds()
	if err != nil {
		return nil, err
	}
	today, err := s.businessDate(ctx, s.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	for _, p := range seeds {
		if faults := s.check(p, today); len(faults) > 0 {
			return nil, errs.Wrap(faults[0], "checking the seed "+p.Code)
		}
	}
	err = s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := rows.New(tx).ProductVersions(tx.Context())
		if err != nil || len(have) > 0 {
			return err
		}
		for _, p := range seeds {
			body, err := canonical(p)
			if err != nil {
				return err
			}
			err = rows.New(tx).InsertProductVersion(tx.Context(), rows.InsertProductVersionParams{
				Code: p.Code, Version: 1, Hash: fingerprint(body), EffectiveFrom: p.EffectiveFrom, EffectiveTo: p.EffectiveTo,
				ApprovedMs: s.deps.Clock.Now().UnixMilli(), Body: body,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !store.IsDuplicate(err) {
		return nil, err
	}
	return rows.New(s.deps.DB.Primary()).ProductVersions(ctx)
}

// readSeeds reads the products that come with the program, in order of code.
func readSeeds() ([]*product, error) {
	names, err := fs.Glob(productFiles, "product/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing seeds: %w", err)
	}
	var out []*product
	for _, name := range names {
		if strings.HasSuffix(name, "/purposes.yaml") {
			continue
		}
		raw, err := productFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", name, err)
		}
		p, err := parseSeed(raw)
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func parseSeed(raw []byte) (*product, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return nil, err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	p := &product{}
	return p, dec.Decode(p)
}
