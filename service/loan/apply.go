package loan

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/domain/calendar"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// effectDecide asks risk for a decision; the effect's id is the application's.
const effectDecide = "loan.decide"

// Retention classes and fields under which loan seals what it keeps of a person.
const (
	classApplication = "application"
	classTransaction = "transaction"
	fieldStated      = "loan.application.stated"
	fieldNote        = "loan.application.note"
	fieldContract    = "loan.contract.record"
)

// undecidedDays is how long an application may stay without decision before it expires.
const undecidedDays = 30

var errOpenApplication = errs.New(errs.Precondition, "application.open_exists", "您已有一笔进行中的申请。", "You already have an application under way.")

// Apply checks, stores and, if risk is quick, answers with the decision.
func (p public) Apply(ctx context.Context, req *loanv1.ApplyRequest) (*loanv1.Application, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	key, err := keyOf(id.Bucket(who.ID), scopeApply, who.ID, req)
	if err != nil {
		return nil, err
	}
	applicationID, err := p.before(ctx, key)
	if err != nil {
		return nil, err
	}
	if applicationID == 0 {
		row, err := p.prepare(ctx, who, req)
		if err != nil {
			return nil, err
		}
		if applicationID, err = p.store(ctx, row, key); err != nil {
			return nil, err
		}
	}
	row, err := p.settled(ctx, who.ID, applicationID, p.deps.DecisionWait)
	if err != nil {
		return nil, err
	}
	return toApplication(row)
}

// prepare checks what does not depend on what the applicant has with us (that is looked at in the commit, together with
// the key) and makes the row. It calls user.
func (s *Service) prepare(ctx context.Context, who rpc.Principal, req *loanv1.ApplyRequest) (rows.Application, error) {
	var none rows.Application
	on, err := s.businessDate(ctx, s.deps.DB.Primary())
	if err != nil {
		return none, err
	}
	v, err := s.offered(ctx, req.GetProduct(), on.String())
	if err != nil {
		return none, err
	}
	w := wish{AmountMinor: req.GetAmountMinor(), TermMonths: req.GetTermMonths(), Method: req.GetMethod(), Purpose: req.GetPurpose()}
	if err := s.refuse(v, w, on); err != nil {
		return none, err
	}
	standing, err := s.deps.User.GetStanding(ctx, &userv1.GetStandingRequest{UserId: who.ID, On: on.String()})
	if err != nil {
		return none, errs.Wrap(err, "asking user for the applicant's standing")
	}
	card, err := refusedByStanding(standing, req.GetCardId(), on)
	if err != nil {
		return none, err
	}
	device, ip, err := s.tokens(ctx, who)
	if err != nil {
		return none, err
	}
	if device == "" {
		device = standing.GetDeviceToken()
	}
	stated, err := proto.MarshalOptions{Deterministic: true}.Marshal(fromStated(req.GetStated()))
	if err != nil {
		return none, fmt.Errorf("writing the stated facts: %w", err)
	}
	sealed, err := s.deps.Vault.SealBytes(ctx, who.ID, classApplication, fieldStated, stated)
	if err != nil {
		return none, errs.Wrap(err, "sealing the stated facts")
	}
	bucket := id.Bucket(who.ID)
	return rows.Application{
		Bucket: bucket, ID: s.deps.IDs.New(bucket), UserID: who.ID, Product: v.Code, ProductVersion: int64(v.Number),
		AmountMinor: w.AmountMinor, TermMonths: int64(w.TermMonths), Method: w.Method, Purpose: w.Purpose, CardID: card.GetCardId(),
		StatedSealed: sealed, DeviceToken: device, IpToken: ip, MobileToken: standing.GetMobileToken(), CardToken: card.GetToken(),
		AddressToken: standing.GetAddressToken(), Emulator: bit(req.GetDevice().GetEmulator()), Rooted: bit(req.GetDevice().GetRooted()),
		Proxy: bit(req.GetDevice().GetProxy()), AgeYears: int64(standing.GetAgeYears()), AppliedOn: on.String(),
		ExpiresOn: (on + calendar.Date(undecidedDays)).String(), Reasons: []byte{}, NoteSealed: []byte{}, Version: 1,
	}, nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// refusedByHoldings answers whether what a person has with us stands against a further application, and what he owes or is
// about to owe.
func (s *Service) refusedByHoldings(ctx context.Context, q store.DBTX, userID, amount int64) (int64, error) {
	_, err := rows.New(q).OpenApplication(ctx, rows.OpenApplicationParams{Bucket: id.Bucket(userID), UserID: userID})
	switch {
	case err == nil:
		return 0, errOpenApplication
	case !isNoRows(err):
		return 0, errs.Wrap(err, "looking for an open application")
	}
	limit, err := s.limitOf(ctx, q, userID)
	if err != nil {
		return 0, err
	}
	if limit.GrantedMinor > 0 && amount > creditOf(limit).available() {
		return 0, errLimitShort
	}
	return limit.UsedMinor + limit.FrozenMinor, nil
}

// tokens asks user for what stands for the device and the address the request came from.
func (s *Service) tokens(ctx context.Context, who rpc.Principal) (device, ip string, err error) {
	req := &userv1.TokeniseRequest{}
	add := func(kind, value string) int {
		if value == "" {
			return -1
		}
		req.Values = append(req.Values, &userv1.TokenValue{Kind: kind, Value: value, UserId: who.ID})
		return len(req.Values) - 1
	}
	deviceAt, ipAt := add("device", who.DeviceToken), add("ip", who.IP)
	if len(req.Values) == 0 {
		return "", "", nil
	}
	res, err := s.deps.User.Tokenise(ctx, req)
	if err != nil {
		return "", "", errs.Wrap(err, "asking user for tokens")
	}
	pick := func(at int) string {
		if at < 0 || at >= len(res.GetTokens()) {
			return ""
		}
		return res.GetTokens()[at]
	}
	return pick(deviceAt), pick(ipAt), nil
}

// store commits an application with the effect that asks risk. It answers the id that the key now stands for.
func (s *Service) store(ctx context.Context, row rows.Application, key onceKey) (int64, error) {
	return s.once(ctx, key, func(tx *store.Tx) (int64, error) {
		owed, err := s.refusedByHoldings(ctx, tx, row.UserID, row.AmountMinor)
		if err != nil {
			return 0, err
		}
		row := row
		row.OutstandingMinor = owed
		if err := s.insertApplication(ctx, tx, row); err != nil {
			return 0, err
		}
		return row.ID, s.queue.Add(tx, job.Effect{Kind: effectDecide, Bucket: row.Bucket, ID: row.ID})
	})
}

// insertApplication stores a new application and moves it on to be decided, in one commit.
func (s *Service) insertApplication(ctx context.Context, tx *store.Tx, row rows.Application) error {
	now := s.deps.Clock.Now().UnixMilli()
	row.State, row.CreatedMs, row.MovedMs = string(domain.Submitted), now, now
	if err := rows.New(tx).InsertApplication(ctx, rows.InsertApplicationParams(row)); err != nil {
		return errs.Wrap(staleIfDuplicate(err), "storing an application")
	}
	if err := s.tellMove(ctx, tx, &row, "", "", 0); err != nil {
		return err
	}
	return s.move(ctx, tx, &row, domain.Ask, "", 0)
}
