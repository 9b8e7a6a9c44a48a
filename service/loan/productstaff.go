package loan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
)

// kindProduct is the kind of proposals for product versions.
const kindProduct = "loan.product_version"

// subjectOf is the subject under which a product's proposals and acts are kept: products belong to no user.
func subjectOf(code string) int64 { return id.BucketOf([]byte("product " + code)) }

// ListProducts answers what is on offer today.
func (p public) ListProducts(ctx context.Context, _ *loanv1.ListProductsRequest) (*loanv1.ListProductsResponse, error) {
	on, err := p.businessDate(ctx, p.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	all, err := p.versions(ctx)
	if err != nil {
		return nil, err
	}
	out := &loanv1.ListProductsResponse{}
	for i, v := range all {
		if i > 0 && all[i-1].Code == v.Code {
			continue
		}
		if offer, err := p.offered(ctx, v.Code, on.String()); err == nil {
			out.Products = append(out.Products, p.toOffer(offer))
		}
	}
	return out, nil
}

// ListProducts answers all versions, by code, newest first.
func (f staff) ListProducts(ctx context.Context, req *loanv1.StaffListProductsRequest) (*loanv1.StaffListProductsResponse, error) {
	at, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := f.versions(ctx)
	if err != nil {
		return nil, err
	}
	on, err := f.businessDate(ctx, f.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *version) int {
		if a.Code != b.Code {
			return slices.Compare([]byte(a.Code), []byte(b.Code))
		}
		return int(b.Number - a.Number)
	})
	size := pageSize(req.GetPageSize(), 50)
	out := &loanv1.StaffListProductsResponse{}
	for _, v := range sorted {
		if req.GetCode() != "" && v.Code != req.GetCode() {
			continue
		}
		if at.Code != "" && (v.Code < at.Code || (v.Code == at.Code && int64(v.Number) >= at.ID)) {
			continue
		}
		if len(out.Products) == int(size) {
			last := out.Products[size-1]
			out.NextPageToken = cursor{Code: last.GetProduct().GetCode(), ID: int64(last.GetVersion())}.token()
			break
		}
		out.Products = append(out.Products, toProductVersion(v, f.isOffered(ctx, v, on.String())))
	}
	return out, nil
}

func (s *Service) isOffered(ctx context.Context, v *version, date string) bool {
	offer, err := s.offered(ctx, v.Code, date)
	return err == nil && offer.Number == v.Number
}

var errNoVersion = errs.New(errs.NotFound, "product.not_found", "没有找到该产品版本。", "There is no such product version.")

// GetProduct answers one version; without number the newest.
func (f staff) GetProduct(ctx context.Context, req *loanv1.GetProductRequest) (*loanv1.ProductVersion, error) {
	all, err := f.versions(ctx)
	if err != nil {
		return nil, err
	}
	var found *version
	for _, v := range all {
		if v.Code == req.GetCode() && (req.GetVersion() == 0 || v.Number == req.GetVersion()) {
			found = v
		}
	}
	if found == nil {
		return nil, errNoVersion
	}
	on, err := f.businessDate(ctx, f.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	return toProductVersion(found, f.isOffered(ctx, found, on.String())), nil
}

// CheckProduct answers every fault of a product.
func (f staff) CheckProduct(ctx context.Context, req *loanv1.CheckProductRequest) (*loanv1.CheckProductResponse, error) {
	today, err := f.businessDate(ctx, f.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	p := fromProduct(req.GetProduct())
	out := &loanv1.CheckProductResponse{}
	for _, fault := range f.check(p, today) {
		out.Faults = append(out.Faults, &loanv1.ProductFault{Reason: fault.Reason, Field: fault.Field, SentenceZh: fault.ZH, SentenceEn: fault.EN})
	}
	if worst, ok := worstCase(p, today); ok {
		out.Worst, out.WorstCase = toCost(worst.plan), worst.String()
	}
	return out, nil
}

// ProposeProduct keeps a version until another person decides. One with a fault is refused with the first of them.
func (f staff) ProposeProduct(ctx context.Context, req *loanv1.ProposeProductRequest) (*loanv1.ProductProposal, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	today, err := f.businessDate(ctx, f.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	p := fromProduct(req.GetProduct())
	if faults := f.check(p, today); len(faults) > 0 {
		return nil, faults[0]
	}
	subject := subjectOf(p.Code)
	key, err := keyOf(subject, scopePropose, who.ID, req)
	if err != nil {
		return nil, err
	}
	body, err := canonical(p)
	if err != nil {
		return nil, err
	}
	proposalID, err := f.once(ctx, key, func(tx *store.Tx) (int64, error) {
		made, err := approve.Propose(tx, approve.Proposal{Kind: kindProduct, SubjectID: subject, Summary: p.Code + " " + p.NameZH,
			Body: body, Reason: req.GetReason(), ProposedBy: who.ID, ProposedAt: f.deps.Clock.Now()})
		if err != nil {
			return 0, err
		}
		return made, f.act(tx, who, "product.propose", "product", subject, req.GetReason(), map[string]string{"code": p.Code, "hash": fingerprint(body)})
	})
	if err != nil {
		return nil, err
	}
	return f.proposal(ctx, proposalID)
}

func (s *Service) proposal(ctx context.Context, proposalID int64) (*loanv1.ProductProposal, error) {
	p, err := approve.Get(ctx, s.deps.DB.Primary(), proposalID)
	if err != nil {
		return nil, err
	}
	if p.Kind != kindProduct {
		return nil, approve.ErrNone
	}
	return toProposal(p)
}

var proposalStates = map[approve.State]string{approve.Proposed: "PROPOSED", approve.Approved: "APPROVED", approve.Rejected: "REJECTED"}

func toProposal(p approve.Proposal) (*loanv1.ProductProposal, error) {
	body := &product{}
	if err := json.Unmarshal(p.Body, body); err != nil {
		return nil, fmt.Errorf("parsing a proposed product: %w", err)
	}
	out := &loanv1.ProductProposal{ProposalId: p.ID, State: proposalStates[p.State], Product: toProduct(body), Reason: p.Reason,
		ProposedBy: p.ProposedBy, ProposedMs: p.ProposedAt.UnixMilli(), DecidedBy: p.DecidedBy}
	if !p.DecidedAt.IsZero() {
		out.DecidedMs = p.DecidedAt.UnixMilli()
	}
	if p.State == approve.Rejected {
		out.Rejection = p.Decision
	}
	return out, nil
}

// ListProductProposals answers proposals, newest first.
func (f staff) ListProductProposals(ctx context.Context, req *loanv1.ListProductProposalsRequest) (*loanv1.ListProductProposalsResponse, error) {
	at, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize(), 50)
	filter := approve.Filter{Kind: kindProduct, Limit: int(size) + 1}
	for state, name := range proposalStates {
		if name == req.GetState() {
			filter.State = state
		}
	}
	if at != newest {
		filter.BeforeMS, filter.BeforeID = at.MS, at.ID
	}
	list, err := approve.List(ctx, f.deps.DB.Primary(), filter)
	if err != nil {
		return nil, err
	}
	list, token := page(list, size, func(p approve.Proposal) cursor { return cursor{MS: p.ProposedAt.UnixMilli(), ID: p.ID} })
	out := &loanv1.ListProductProposalsResponse{NextPageToken: token}
	for _, p := range list {
		view, err := toProposal(p)
		if err != nil {
			return nil, err
		}
		out.Proposals = append(out.Proposals, view)
	}
	return out, nil
}

// ApproveProduct makes the version in the same commit as the approval. It is checked again: the law may have changed since
// it was proposed.
func (f staff) ApproveProduct(ctx context.Context, req *loanv1.ApproveProductRequest) (*loanv1.ProductVersion, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	proposal, err := approve.Get(ctx, f.deps.DB.Primary(), req.GetProposalId())
	if err != nil {
		return nil, err
	}
	if proposal.Kind != kindProduct {
		return nil, approve.ErrNone
	}
	on, err := f.businessDate(ctx, f.deps.DB.Primary())
	if err != nil {
		return nil, err
	}
	var made *version
	err = f.write(ctx, func(tx *store.Tx) error {
		return approve.Approve(tx, proposal.ID, approve.By{Staff: who.ID, At: f.deps.Clock.Now()}, func(tx *store.Tx, body []byte) error {
			p := &product{}
			if err := json.Unmarshal(body, p); err != nil {
				return fmt.Errorf("parsing a proposed product: %w", err)
			}
			if faults := f.check(p, on); len(faults) > 0 {
				return faults[0]
			}
			made, err = f.addVersion(tx, p, proposal.ID, proposal.ProposedBy, who.ID)
			if err != nil {
				return staleIfDuplicate(err)
			}
			details := map[string]string{"code": p.Code, "version": fmt.Sprint(made.Number), "hash": made.Hash}
			return f.act(tx, who, "product.approve", "product", subjectOf(p.Code), proposal.Reason, details)
		})
	})
	if err != nil {
		return nil, err
	}
	return toProductVersion(made, f.isOffered(ctx, made, on.String())), nil
}

// RejectProduct ends a proposal.
func (f staff) RejectProduct(ctx context.Context, req *loanv1.RejectProductRequest) (*loanv1.ProductProposal, error) {
	who, err := member(ctx)
	if err != nil {
		return nil, err
	}
	proposal, err := approve.Get(ctx, f.deps.DB.Primary(), req.GetProposalId())
	if err != nil {
		return nil, err
	}
	if proposal.Kind != kindProduct {
		return nil, approve.ErrNone
	}
	err = f.write(ctx, func(tx *store.Tx) error {
		if err := approve.Reject(tx, proposal.ID, approve.By{Staff: who.ID, At: f.deps.Clock.Now(), Reason: req.GetReason()}); err != nil {
			return err
		}
		return f.act(tx, who, "product.reject", "product", proposal.SubjectID, req.GetReason(), map[string]string{"proposal": fmt.Sprint(proposal.ID)})
	})
	if err != nil {
		return nil, err
	}
	return f.proposal(ctx, proposal.ID)
}
