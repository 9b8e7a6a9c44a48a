package loan

import (
	"context"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// newLoan is what a signed contract hands to servicing.
type newLoan struct {
	ID, Bucket, UserID, ApplicationID, ContractID, CardID int64

	Product        string
	ProductVersion int32
	AmountMinor    int64
	TermMonths     int32
	Method         string
	RatePPM        int64
	Purpose, Grade string
	SignedMS       int64
	// Terms are what the contract fixes; the day of payout is not known yet.
	Terms domain.Terms
}

// Sign signs the contract. Application, contract, loan and the order to pay out stand in one commit.
func (p public) Sign(ctx context.Context, req *loanv1.SignRequest) (*loanv1.SignResponse, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	key, err := keyOf(id.Bucket(who.ID), scopeSign, who.ID, req)
	if err != nil {
		return nil, err
	}
	row, err := p.applicationOf(ctx, p.deps.DB.Primary(), who.ID, req.GetApplicationId())
	if err != nil {
		return nil, err
	}
	done, err := p.before(ctx, key)
	if err != nil {
		return nil, err
	}
	if done == 0 {
		if err := p.sign(ctx, who, row, req, key); err != nil {
			return nil, err
		}
	}
	return p.signed(ctx, who.ID, row.ID)
}

// signed is the answer to a signature, the first time and every time.
func (s *Service) signed(ctx context.Context, userID, applicationID int64) (*loanv1.SignResponse, error) {
	row, err := s.applicationOf(ctx, s.deps.DB.Primary(), userID, applicationID)
	if err != nil {
		return nil, err
	}
	c, err := rows.New(s.deps.DB.Primary()).ContractOfApplication(ctx, rows.ContractOfApplicationParams{Bucket: row.Bucket, ApplicationID: row.ID})
	if err != nil {
		return nil, errs.Wrap(notFound(err, errNoContract), "reading a contract")
	}
	view, err := toApplication(row)
	if err != nil {
		return nil, err
	}
	return &loanv1.SignResponse{Application: view, ContractId: c.ID, LoanId: row.LoanID, SignedMs: c.SignedMs}, nil
}

func (s *Service) sign(ctx context.Context, who rpc.Principal, row rows.Application, req *loanv1.SignRequest, key onceKey) error {
	if row.State != string(domain.AwaitingSignature) {
		return illegal(domain.ApplicationState(row.State), nil)
	}
	on, err := s.businessDate(ctx, s.deps.DB.Primary())
	if err != nil {
		return err
	}
	if row.ExpiresOn < on.String() {
		return errs.New(errs.Precondition, "application.expired", "批准已过有效期，请重新申请。", "The approval has run out. Please apply again.")
	}
	v, err := s.versionOf(ctx, row.Product, int32(row.ProductVersion))
	if err != nil {
		return err
	}
	// The law of the day of signature decides, and the card must still be the borrower's own.
	if _, err := v.pricePlan(wishOf(row, row.ApprovedMinor), row.RatePpm, on); err != nil {
		return err
	}
	if _, err := s.card(ctx, row, on); err != nil {
		return err
	}
	device, ip, err := s.tokens(ctx, who)
	if err != nil {
		return err
	}
	loanID := s.deps.IDs.New(row.Bucket)
	_, err = s.once(ctx, key, func(tx *store.Tx) (int64, error) {
		now, err := s.application(ctx, tx, row.ID)
		if err != nil {
			return 0, err
		}
		contract, err := s.signable(ctx, tx, now, req.GetHash())
		if err != nil {
			return 0, err
		}
		contract.LoanID, contract.SignedMs, contract.DeviceToken, contract.IpToken = loanID, s.deps.Clock.Now().UnixMilli(), device, ip
		return row.ID, s.commitSignature(ctx, tx, &now, v, contract, on)
	})
	return err
}

// signable answers the contract if it may be signed: the table of costs was confirmed, and the hash is that of what was
// shown.
func (s *Service) signable(ctx context.Context, tx *store.Tx, row rows.Application, hash string) (rows.Contract, error) {
	q := rows.New(tx)
	kept, err := q.Disclosure(ctx, rows.DisclosureParams{Bucket: row.Bucket, ApplicationID: row.ID})
	if err != nil {
		return rows.Contract{}, errs.Wrap(notFound(err, errs.New(errs.Precondition, "disclosure.not_confirmed", "请先阅读并确认费用明示表。",
			"Please read and confirm the table of costs first.")), "reading a confirmed table of costs")
	}
	c, err := q.ContractOfApplication(ctx, rows.ContractOfApplicationParams{Bucket: row.Bucket, ApplicationID: row.ID})
	if err != nil {
		return c, errs.Wrap(notFound(err, errNoContract), "reading a contract")
	}
	if c.Hash != hash || c.DisclosureHash != kept.Hash {
		return c, errs.New(errs.Precondition, "contract.hash_differs", "合同内容与展示的不一致，请重新阅读。", "The contract is not the one that was shown. Please read it again.").On("hash")
	}
	return c, nil
}

// commitSignature moves application and contract, makes the loan and tells it.
func (s *Service) commitSignature(ctx context.Context, tx *store.Tx, row *rows.Application, v *version, c rows.Contract, on calendar.Date) error {
	terms, err := v.contractTerms(*row, on)
	if err != nil {
		return err
	}
	row.LoanID = c.LoanID
	if err := s.move(ctx, tx, row, domain.Sign, "", 0); err != nil {
		return err
	}
	if err := s.putContract(ctx, tx, c, domain.SignContract); err != nil {
		return err
	}
	err = s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &loanv1.ContractSigned{
		ContractId: c.ID, ApplicationId: row.ID, LoanId: c.LoanID, Hash: c.Hash, Template: c.Template,
	}})
	if err != nil {
		return errs.Wrap(err, "telling a signature")
	}
	return errs.Wrap(s.createLoan(ctx, tx, newLoan{
		ID: c.LoanID, Bucket: row.Bucket, UserID: row.UserID, ApplicationID: row.ID, ContractID: c.ID, CardID: row.CardID,
		Product: row.Product, ProductVersion: v.Number, AmountMinor: row.ApprovedMinor, TermMonths: int32(row.TermMonths), Method: row.Method,
		RatePPM: row.RatePpm, Purpose: row.Purpose, Grade: row.Grade, SignedMS: c.SignedMs, Terms: terms,
	}), "making the loan")
}
