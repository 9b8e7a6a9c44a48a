package loan_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

func (w *world) product(code string) *loanv1.Product {
	w.t.Helper()
	v, err := w.staff(700, "product_manager").GetProduct(w.t.Context(), &loanv1.GetProductRequest{Code: code})
	if err != nil {
		w.t.Fatal(err)
	}
	return v.GetProduct()
}

func TestTheSandboxOffersThreeProducts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		list, err := w.public(0).ListProducts(t.Context(), &loanv1.ListProductsRequest{})
		if err != nil || len(list.GetProducts()) != 3 {
			t.Fatalf("%v, %v", list, err)
		}
		for _, p := range list.GetProducts() {
			check, err := w.staff(700, "product_manager").CheckProduct(t.Context(), &loanv1.CheckProductRequest{Product: w.product(p.GetProduct())})
			if err != nil || len(check.GetFaults()) != 0 || check.GetWorst().GetAnnualSimplePpm() > 240_000 || check.GetWorstCase() == "" {
				t.Fatalf("%s: %v, %v", p.GetProduct(), check, err)
			}
			if len(p.GetPurposes()) != 10 || p.GetMinRatePpm() != 90_000 || p.GetNameZh() == "" {
				t.Fatalf("unexpected %v", p)
			}
		}
	})
}

func TestAProductThatCouldBreakTheLawIsRefusedNamingTheCase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		cases := []struct {
			reason string
			change func(*loanv1.Product)
		}{
			{"product.cost.above_cap.R3", func(p *loanv1.Product) { p.Grades[4].RatePpm = 234_000 }},
			{"product.cost.above_cap.R3", func(p *loanv1.Product) {
				p.Fees = []*loanv1.ProductFee{{Code: "service", NameZh: "服务费", NameEn: "Service", RatePpm: 20_000, Payee: "x", PayeeRole: "lender", Charged: "each_instalment"}}
			}},
			{"product.fee_upfront.R15", func(p *loanv1.Product) {
				p.Fees = []*loanv1.ProductFee{{Code: "service", NameZh: "服务费", NameEn: "Service", RatePpm: 1_000, Payee: "x", PayeeRole: "lender", Charged: "at_payout"}}
			}},
			{"product.term.above_legal_maximum.R34", func(p *loanv1.Product) { p.TermsMonths = append(p.TermsMonths, 61) }},
			{"product.amount.above_legal_maximum.R35", func(p *loanv1.Product) { p.MaxAmountMinor = 30_000_000 }},
			{"product.penalty_factor.R14", func(p *loanv1.Product) { p.PenaltyFactorPpm = 1_600_000 }},
			{"product.purpose_banned.R35", func(p *loanv1.Product) { p.Purposes = append(p.Purposes, "investment") }},
			{"product.purpose_banned.R37", func(p *loanv1.Product) { p.LenderType = "consumer_finance" }},
			{"product.lender_type", func(p *loanv1.Product) { p.LenderType = "platform" }},
			{"product.grade_twice", func(p *loanv1.Product) { p.Grades[1].Grade = "A" }},
			{"product.grade_limit_above_law", func(p *loanv1.Product) { p.Grades[0].MaxLimitMinor = 30_000_000 }},
			{"product.method_unknown", func(p *loanv1.Product) { p.Methods = []string{"whenever"} }},
			{"product.day_count", func(p *loanv1.Product) { p.DayCount = "31/365" }},
			{"product.allocation_order", func(p *loanv1.Product) { p.AllocationOrder = []string{"principal", "interest"} }},
			{"product.amount_range", func(p *loanv1.Product) { p.MaxAmountMinor = 100 }},
			{"product.effective_to", func(p *loanv1.Product) { p.EffectiveTo = "2019-01-01" }},
			{"product.contract_template", func(p *loanv1.Product) { p.ContractTemplate = "none" }},
			{"product.cooling_off_not_served", func(p *loanv1.Product) { p.CoolingOffDays = 7 }},
		}
		for _, c := range cases {
			p := proto.CloneOf(w.product("consumer-cash"))
			c.change(p)
			_, err := w.staff(700, "product_manager").ProposeProduct(t.Context(), &loanv1.ProposeProductRequest{Product: p, Reason: "try it", IdempotencyKey: "propose-" + c.reason[:12]})
			refused(t, err, errs.Invalid, c.reason)
			if strings.Contains(c.reason, "above_cap") && !strings.Contains(err.Error(), "months") {
				t.Fatalf("the case is not named: %v", err)
			}
			check, err := w.staff(700, "auditor").CheckProduct(t.Context(), &loanv1.CheckProductRequest{Product: p})
			if err != nil || len(check.GetFaults()) == 0 {
				t.Fatalf("%s: the check finds nothing: %v", c.reason, err)
			}
		}
	})
}

func TestANewVersionNeedsTwoPeopleAndALoanKeepsItsOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, userID := t.Context(), w.person()
		a := w.apply(userID)
		p := proto.CloneOf(w.product("consumer-cash"))
		p.Grades[0].RatePpm, p.NameEn = 60_000, "Cheaper cash"
		maker, checker := w.staff(700, "product_manager"), w.staff(701, "product_manager")
		req := &loanv1.ProposeProductRequest{Product: p, Reason: "spring", IdempotencyKey: "propose-0001"}
		made, err := maker.ProposeProduct(ctx, req)
		if err != nil || made.GetState() != "PROPOSED" {
			t.Fatalf("%v, %v", made, err)
		}
		again, err := maker.ProposeProduct(ctx, req)
		if err != nil || again.GetProposalId() != made.GetProposalId() {
			t.Fatalf("%v, %v", again, err)
		}
		_, err = maker.ApproveProduct(ctx, &loanv1.ApproveProductRequest{ProposalId: made.GetProposalId()})
		refused(t, err, errs.Denied, "approve.same_person")
		v, err := checker.ApproveProduct(ctx, &loanv1.ApproveProductRequest{ProposalId: made.GetProposalId()})
		if err != nil || v.GetVersion() != 2 || !v.GetOnOffer() || v.GetProposedBy() != 700 || v.GetApprovedBy() != 701 {
			t.Fatalf("%v, %v", v, err)
		}
		_, err = checker.ApproveProduct(ctx, &loanv1.ApproveProductRequest{ProposalId: made.GetProposalId()})
		refused(t, err, errs.Conflict, "approve.decided")
		offers, err := w.public(0).ListProducts(ctx, &loanv1.ListProductsRequest{})
		if err != nil || offers.GetProducts()[1].GetVersion() != 2 || offers.GetProducts()[1].GetNameEn() != "Cheaper cash" {
			t.Fatalf("%v, %v", offers, err)
		}
		d, err := w.public(userID).GetDisclosure(ctx, &loanv1.GetDisclosureRequest{ApplicationId: a.GetApplicationId()})
		if err != nil || d.GetRatePpm() != 90_000 || !strings.Contains(d.GetRecord(), `"product_version":1`) {
			t.Fatalf("the application lost its version: %v, %v", d.GetRatePpm(), err)
		}
		if b := w.apply(w.person()); b.GetProductVersion() != 2 || b.GetRatePpm() != 60_000 {
			t.Fatalf("the new version is not in force: %v", b)
		}
		list, err := maker.ListProducts(ctx, &loanv1.StaffListProductsRequest{PageSize: 3})
		if err != nil || len(list.GetProducts()) != 3 || list.GetProducts()[1].GetVersion() != 2 || list.GetNextPageToken() == "" {
			t.Fatalf("%v, %v", list, err)
		}
		rest, err := maker.ListProducts(ctx, &loanv1.StaffListProductsRequest{PageSize: 3, PageToken: list.GetNextPageToken()})
		if err != nil || len(rest.GetProducts()) != 1 || rest.GetNextPageToken() != "" {
			t.Fatalf("%v, %v", rest, err)
		}
	})
}

func TestARejectedProposalChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := proto.CloneOf(w.product("consumer-bullet"))
		p.EffectiveFrom = "2099-01-01"
		made, err := w.staff(700, "product_manager").ProposeProduct(ctx, &loanv1.ProposeProductRequest{Product: p, Reason: "later", IdempotencyKey: "propose-0002"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.staff(700, "reviewer").RejectProduct(ctx, &loanv1.RejectProductRequest{ProposalId: made.GetProposalId(), Reason: "no"})
		if errs.CodeOf(err) != errs.Denied {
			t.Fatalf("a reviewer decided on a product: %v", err)
		}
		got, err := w.staff(702, "admin").RejectProduct(ctx, &loanv1.RejectProductRequest{ProposalId: made.GetProposalId(), Reason: "not yet"})
		if err != nil || got.GetState() != "REJECTED" || got.GetRejection() != "not yet" {
			t.Fatalf("%v, %v", got, err)
		}
		list, err := w.staff(702, "admin").ListProductProposals(ctx, &loanv1.ListProductProposalsRequest{State: "REJECTED"})
		if err != nil || len(list.GetProposals()) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		if v := w.product("consumer-bullet"); v.GetEffectiveFrom() != "2020-01-01" {
			t.Fatalf("it took effect: %v", v)
		}
	})
}

func TestAQuoteTakesTheHeldPriceElseTheHighest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		userID := w.person()
		req := &loanv1.QuoteRequest{Product: "consumer-interest", AmountMinor: 1_000_000, TermMonths: 6, Method: "interest_first"}
		for _, c := range []struct {
			who   int64
			basis string
			rate  int32
		}{{0, "highest", 228_000}, {userID, "highest", 228_000}} {
			q, err := w.public(c.who).Quote(t.Context(), req)
			if err != nil || q.GetPriceBasis() != c.basis || q.GetRatePpm() != c.rate {
				t.Fatalf("%v, %v", q, err)
			}
		}
		w.apply(userID)
		q, err := w.public(userID).Quote(t.Context(), req)
		if err != nil || q.GetPriceBasis() != "held" || q.GetRatePpm() != 90_000 || len(q.GetRows()) != 6 {
			t.Fatalf("%v, %v", q, err)
		}
		var principal int64
		for _, r := range q.GetRows() {
			principal += r.GetPrincipalMinor()
		}
		if principal != 1_000_000 || q.GetRows()[5].GetPrincipalMinor() != 1_000_000 || q.GetCost().GetAnnualSimplePpm() != 90_000 || q.GetCost().GetCapPpm() != 240_000 {
			t.Fatalf("unexpected %v", q.GetCost())
		}
		_, err = w.public(0).Quote(t.Context(), &loanv1.QuoteRequest{Product: "consumer-cash", AmountMinor: 1_000_000, TermMonths: 72, Method: "equal_instalment"})
		refused(t, err, errs.Invalid, "term.above_legal_maximum.R34")
		_, err = w.public(0).Quote(t.Context(), &loanv1.QuoteRequest{Product: "consumer-cash", AmountMinor: 1_000_000, TermMonths: 12, Method: "equal_instalment", Grade: "Z"})
		refused(t, err, errs.Invalid, "grade.unknown")
	})
}

func TestStaffFindApplicationsByFilterPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var people []int64
		for range 5 {
			people = append(people, w.person())
			w.apply(people[len(people)-1])
			w.clk.Add(time.Second)
		}
		if _, err := w.public(people[0]).CancelApplication(ctx, &loanv1.CancelApplicationRequest{ApplicationId: w.first(people[0]).GetApplicationId()}); err != nil {
			t.Fatal(err)
		}
		desk := w.staff(800, "service_desk")
		count := func(req *loanv1.StaffListApplicationsRequest) int {
			n := 0
			for {
				page, err := desk.ListApplications(ctx, req)
				if err != nil {
					t.Fatal(err)
				}
				n += len(page.GetApplications())
				if page.GetNextPageToken() == "" {
					return n
				}
				req.PageToken = page.GetNextPageToken()
			}
		}
		for _, c := range []struct {
			want int
			req  *loanv1.StaffListApplicationsRequest
		}{
			{5, &loanv1.StaffListApplicationsRequest{PageSize: 2}}, {4, &loanv1.StaffListApplicationsRequest{PageSize: 1, State: "APPROVED"}},
			{1, &loanv1.StaffListApplicationsRequest{UserId: people[2]}}, {0, &loanv1.StaffListApplicationsRequest{UserId: people[2], State: "SIGNED"}},
			{0, &loanv1.StaffListApplicationsRequest{Product: "consumer-bullet"}}, {5, &loanv1.StaffListApplicationsRequest{From: "2026-11-02", To: "2026-11-02"}},
			{0, &loanv1.StaffListApplicationsRequest{To: "2026-11-01"}},
		} {
			if got := count(c.req); got != c.want {
				t.Errorf("%v: %d applications, want %d", c.req, got, c.want)
			}
		}
		file, err := desk.GetApplication(ctx, &loanv1.StaffGetApplicationRequest{ApplicationId: w.first(people[0]).GetApplicationId()})
		if err != nil || len(file.GetHistory()) != 4 || file.GetHistory()[3].GetTo() != "CANCELLED" || file.GetPolicy() != "test-1" {
			t.Fatalf("%v, %v", file, err)
		}
		limit, err := desk.GetLimit(ctx, &loanv1.StaffGetLimitRequest{UserId: people[0]})
		if err != nil || len(limit.GetChanges()) != 3 || limit.GetChanges()[0].GetCause() != "released" {
			t.Fatalf("%v, %v", limit, err)
		}
		_, err = desk.ListApplications(ctx, &loanv1.StaffListApplicationsRequest{PageToken: "!!"})
		refused(t, err, errs.Invalid, "page_token.invalid")
	})
}

func (w *world) first(userID int64) *loanv1.Application {
	w.t.Helper()
	list, err := w.public(userID).ListApplications(w.t.Context(), &loanv1.ListApplicationsRequest{})
	if err != nil || len(list.GetApplications()) == 0 {
		w.t.Fatalf("%v, %v", list, err)
	}
	return list.GetApplications()[0]
}
