package loan

import (
	"context"
	"fmt"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// credit is a person's limit as numbers. Total is what was granted, but never less than what is frozen and used: a cut takes
// only what is free, and the rest of the cut follows as money comes back.
type credit struct {
	Granted, Total, Frozen, Used int64
}

// limitPart is where an amount is held.
type limitPart uint8

// An amount is frozen while an application or a payout is under way, and used while it is lent.
const (
	limitFrozen limitPart = iota + 1
	limitUsed
)

// The causes of a change, as LimitChanged and the list of changes tell them.
const (
	causeGranted  = "granted"
	causeFrozen   = "frozen"
	causeUsed     = "used"
	causeReleased = "released"
	causeTaken    = "charged_back"
)

var (
	errLimitShort = errs.New(errs.Precondition, "limit.insufficient", "可用额度不足。", "The available limit does not cover the amount.").On("amountMinor")
	errLimitBroke = errs.New(errs.Internal, "limit.inconsistent", "额度数据不一致，已停止处理。", "The credit limit does not fit the request; nothing was changed.")
)

// available is what may still be frozen.
func (c credit) available() int64 { return c.Total - c.Frozen - c.Used }

func (c credit) settle() credit {
	c.Total = max(c.Granted, c.Frozen+c.Used)
	return c
}

// grant sets what is granted.
func (c credit) grant(amount int64) (credit, error) {
	if amount < 0 {
		return c, errLimitBroke
	}
	c.Granted = amount
	return c.settle(), nil
}

// freeze holds an amount; more than what is available is refused.
func (c credit) freeze(amount int64) (credit, error) {
	switch {
	case amount <= 0:
		return c, errLimitBroke
	case amount > c.available():
		return c, errLimitShort
	}
	c.Frozen += amount
	return c, nil
}

// use turns a frozen amount into a used one: the money went out.
func (c credit) use(amount int64) (credit, error) {
	if amount <= 0 || amount > c.Frozen {
		return c, errLimitBroke
	}
	c.Frozen -= amount
	c.Used += amount
	return c, nil
}

// release frees an amount.
func (c credit) release(part limitPart, amount int64) (credit, error) {
	held := &c.Frozen
	if part == limitUsed {
		held = &c.Used
	}
	if amount <= 0 || amount > *held {
		return c, errLimitBroke
	}
	*held -= amount
	return c.settle(), nil
}

// takeBack uses an amount again that had been freed: what paid it was charged back. It may go above what is granted.
func (c credit) takeBack(amount int64) (credit, error) {
	if amount <= 0 {
		return c, errLimitBroke
	}
	c.Used += amount
	return c.settle(), nil
}

func creditOf(r rows.CreditLimit) credit {
	return credit{Granted: r.GrantedMinor, Total: r.TotalMinor, Frozen: r.FrozenMinor, Used: r.UsedMinor}
}

// heldPrice is what a decision fixes beside the amount.
type heldPrice struct {
	Grade      string
	RatePPM    int64
	DecisionID int64
}

// limitChange is one change of one person's limit.
type limitChange struct {
	Bucket, UserID int64
	Cause          string
	// Subject is the application or loan it is for.
	Subject int64
	// Price is set by a grant; nil keeps what is held.
	Price *heldPrice
	Apply func(credit) (credit, error)
}

// changeLimit is the only writer of limits. It answers the row as it is afterwards; errStale if another changed it first.
func (s *Service) changeLimit(ctx context.Context, tx *store.Tx, c limitChange) (rows.CreditLimit, error) {
	q := rows.New(tx)
	row, err := q.CreditLimit(ctx, rows.CreditLimitParams{Bucket: c.Bucket, UserID: c.UserID})
	fresh := isNoRows(err)
	if err != nil && !fresh {
		return row, errs.Wrap(err, "reading a credit limit")
	}
	next, err := c.Apply(creditOf(row))
	if err != nil {
		return row, errs.Wrap(err, "changing a credit limit ("+c.Cause+")")
	}
	if next.Total < next.Frozen+next.Used || next.Frozen < 0 || next.Used < 0 {
		return row, errs.Wrap(errLimitBroke, "changing a credit limit ("+c.Cause+")")
	}
	now := s.deps.Clock.Now().UnixMilli()
	row.Bucket, row.UserID, row.ChangedMs = c.Bucket, c.UserID, now
	row.GrantedMinor, row.TotalMinor, row.FrozenMinor, row.UsedMinor = next.Granted, next.Total, next.Frozen, next.Used
	if c.Price != nil {
		row.Grade, row.RatePpm, row.DecisionID = c.Price.Grade, c.Price.RatePPM, c.Price.DecisionID
	}
	if fresh {
		row.CreatedMs, row.Version = now, 1
		if err := q.InsertCreditLimit(ctx, rows.InsertCreditLimitParams(row)); err != nil {
			if store.IsDuplicate(err) {
				err = errStale.Because(err)
			}
			return row, errs.Wrap(err, "storing a credit limit")
		}
	} else {
		n, err := q.ChangeCreditLimit(ctx, rows.ChangeCreditLimitParams{
			GrantedMinor: row.GrantedMinor, TotalMinor: row.TotalMinor, FrozenMinor: row.FrozenMinor, UsedMinor: row.UsedMinor,
			Grade: row.Grade, RatePpm: row.RatePpm, DecisionID: row.DecisionID, ChangedMs: now,
			Bucket: c.Bucket, UserID: c.UserID, Version: row.Version,
		})
		if err := store.One(n, err, errStale); err != nil {
			return row, errs.Wrap(err, "storing a credit limit")
		}
		row.Version++
	}
	return row, s.tellLimit(ctx, tx, row, c)
}

// tellLimit keeps the change and tells it.
func (s *Service) tellLimit(ctx context.Context, tx *store.Tx, row rows.CreditLimit, c limitChange) error {
	err := rows.New(tx).InsertCreditLimitChange(ctx, rows.InsertCreditLimitChangeParams{
		Bucket: row.Bucket, UserID: row.UserID, Version: row.Version, Cause: c.Cause, SubjectID: c.Subject,
		TotalMinor: row.TotalMinor, FrozenMinor: row.FrozenMinor, UsedMinor: row.UsedMinor, AtMs: row.ChangedMs,
	})
	if err != nil {
		return fmt.Errorf("keeping a change of limit: %w", err)
	}
	return errs.Wrap(s.deps.Log.Append(tx, eventlog.Event{UserID: row.UserID, Bucket: row.Bucket, Body: &loanv1.LimitChanged{
		TotalMinor: row.TotalMinor, FrozenMinor: row.FrozenMinor, UsedMinor: row.UsedMinor,
		AvailableMinor: creditOf(row).available(), Cause: c.Cause, SubjectId: c.Subject,
	}}), "telling a change of limit")
}

// limitGrant grants a limit at a price.
func (s *Service) limitGrant(ctx context.Context, tx *store.Tx, bucket, userID, amount, subject int64, price heldPrice) error {
	_, err := s.changeLimit(ctx, tx, limitChange{Bucket: bucket, UserID: userID, Cause: causeGranted, Subject: subject, Price: &price,
		Apply: func(c credit) (credit, error) { return c.grant(amount) }})
	return err
}

// limitFreeze holds an amount for an application.
func (s *Service) limitFreeze(ctx context.Context, tx *store.Tx, bucket, userID, amount, subject int64) error {
	_, err := s.changeLimit(ctx, tx, limitChange{Bucket: bucket, UserID: userID, Cause: causeFrozen, Subject: subject,
		Apply: func(c credit) (credit, error) { return c.freeze(amount) }})
	return err
}

// limitUse turns what is frozen into used: the payout succeeded.
func (s *Service) limitUse(ctx context.Context, tx *store.Tx, bucket, userID, amount, subject int64) error {
	_, err := s.changeLimit(ctx, tx, limitChange{Bucket: bucket, UserID: userID, Cause: causeUsed, Subject: subject,
		Apply: func(c credit) (credit, error) { return c.use(amount) }})
	return err
}

// limitRelease frees what is frozen (an application or payout ended) or used (principal came back). An empty cause is
// "released".
func (s *Service) limitRelease(ctx context.Context, tx *store.Tx, bucket, userID, amount, subject int64, from limitPart, cause string) error {
	if cause == "" {
		cause = causeReleased
	}
	_, err := s.changeLimit(ctx, tx, limitChange{Bucket: bucket, UserID: userID, Cause: cause, Subject: subject,
		Apply: func(c credit) (credit, error) { return c.release(from, amount) }})
	return err
}

// GetLimit answers the caller's limit.
func (p public) GetLimit(ctx context.Context, _ *loanv1.GetLimitRequest) (*loanv1.Limit, error) {
	who, err := borrower(ctx)
	if err != nil {
		return nil, err
	}
	row, err := p.limitOf(ctx, p.deps.DB.Primary(), who.ID)
	if err != nil {
		return nil, err
	}
	return toLimit(row), nil
}

// limitOf answers a person's limit; a person without one has a limit of zero.
func (s *Service) limitOf(ctx context.Context, q store.DBTX, userID int64) (rows.CreditLimit, error) {
	row, err := rows.New(q).CreditLimit(ctx, rows.CreditLimitParams{Bucket: id.Bucket(userID), UserID: userID})
	if isNoRows(err) {
		return rows.CreditLimit{Bucket: id.Bucket(userID), UserID: userID}, nil
	}
	return row, errs.Wrap(err, "reading a credit limit")
}

// GetLimit answers a person's limit with its last changes.
func (f staff) GetLimit(ctx context.Context, req *loanv1.StaffGetLimitRequest) (*loanv1.LimitFile, error) {
	row, err := f.limitOf(ctx, f.deps.DB.Primary(), req.GetUserId())
	if err != nil {
		return nil, err
	}
	list, err := rows.New(f.deps.DB.Read()).CreditLimitChanges(ctx, rows.CreditLimitChangesParams{
		Bucket: id.Bucket(req.GetUserId()), UserID: req.GetUserId(), Limit: 100})
	if err != nil {
		return nil, errs.Wrap(err, "listing changes of a limit")
	}
	out := &loanv1.LimitFile{Limit: toLimit(row)}
	for _, c := range list {
		out.Changes = append(out.Changes, toLimitChange(c))
	}
	return out, nil
}
