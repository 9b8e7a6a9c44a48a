package risk

import (
	"context"
	"database/sql"
	"errors"
	"time"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// The kinds of tokens.
const (
	kindDevice  = "device"
	kindIP      = "ip"
	kindCard    = "card"
	kindMobile  = "mobile"
	kindAddress = "address"
)

// Windows of the counts, and how long applications are remembered for them.
const (
	day      = 24 * time.Hour
	week     = 7 * day
	month    = 30 * day
	remember = 90 * day
)

// errRaced is answered inside: somebody decided with one of the tokens in between, so the counts are stale.
var errRaced = errs.New(errs.Unavailable, "decision.busy", "同一设备、网络或银行卡的申请正在处理，请稍后重试。",
	"Applications that share a device, network, card or mobile are being decided; please try again.")

// counted is a token with what was counted over it, and the version of its row at that moment.
type counted struct {
	kind, token string
	bucket      int64
	version     int64 // 0: no row yet
	rows.CountWindowsRow
}

// tokens lists the tokens that applications are counted by, in a fixed order, so that two deciders take them in the same order.
func tokens(req *riskv1.DecideRequest) []counted {
	var out []counted
	for _, t := range [][2]string{
		{kindCard, req.GetCardToken()}, {kindDevice, req.GetDeviceToken()}, {kindIP, req.GetIpToken()}, {kindMobile, req.GetMobileToken()},
	} {
		if t[1] != "" {
			out = append(out, counted{kind: t[0], token: t[1], bucket: tokenBucket(t[0], t[1])})
		}
	}
	return out
}

// tokenBucket is the bucket of rows that belong to a token and not to a user.
func tokenBucket(kind, token string) int64 { return id.BucketOf([]byte(kind + ":" + token)) }

// count reads the counts of earlier applications per token, up to an instant.
func count(ctx context.Context, q *rows.Queries, req *riskv1.DecideRequest, at time.Time) ([]counted, error) {
	all := tokens(req)
	for i := range all {
		c := &all[i]
		var err error
		c.version, err = q.VelocityKey(ctx, rows.VelocityKeyParams{Bucket: c.bucket, Kind: c.kind, Token: c.token})
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, errs.Wrap(store.Explain(err), "reading a token")
		}
		c.CountWindowsRow, err = q.CountWindows(ctx, rows.CountWindowsParams{
			AtMs: at.Add(-day).UnixMilli(), AtMs_2: at.Add(-week).UnixMilli(), AtMs_3: at.Add(-day).UnixMilli(),
			UserID: req.GetUserId(), UserID_2: req.GetUserId(), Bucket: c.bucket, Kind: c.kind, Token: c.token,
			AtMs_4: at.Add(-month).UnixMilli(), AtMs_5: at.UnixMilli(),
		})
		if err != nil {
			return nil, errs.Wrap(store.Explain(err), "counting applications")
		}
	}
	return all, nil
}

// describe writes the counts into the profile.
func describe(p *flow.Profile, all []counted) {
	for _, c := range all {
		switch c.kind {
		case kindDevice:
			p.DeviceApplications24h, p.DeviceApplications7d, p.DeviceOtherUsers30d = c.InDay, c.InWeek, c.OthersInMonth
		case kindIP:
			p.IPApplications24h, p.IPApplications7d, p.IPOtherUsers24h = c.InDay, c.InWeek, c.OthersInDay
		case kindCard:
			p.CardApplications24h, p.CardApplications7d, p.CardOtherUsers30d = c.InDay, c.InWeek, c.OthersInMonth
		case kindMobile:
			p.MobileApplications24h, p.MobileApplications7d, p.MobileOtherUsers30d = c.InDay, c.InWeek, c.OthersInMonth
		}
	}
}

// record adds the application to the counts of its tokens, or answers errRaced if a count is stale.
func record(ctx context.Context, q *rows.Queries, req *riskv1.DecideRequest, all []counted, at time.Time) error {
	for _, c := range all {
		if err := raise(ctx, q, c); err != nil {
			return err
		}
		if err := q.InsertVelocityEvent(ctx, rows.InsertVelocityEventParams{Bucket: c.bucket, Kind: c.kind, Token: c.token,
			AtMs: at.UnixMilli(), ApplicationID: req.GetApplicationId(), UserID: req.GetUserId()}); err != nil {
			return errs.Wrap(err, "counting an application")
		}
	}
	return nil
}

// raise is the compare-and-set that makes reading the counts, deciding and counting one step.
func raise(ctx context.Context, q *rows.Queries, c counted) error {
	if c.version == 0 {
		err := q.InsertVelocityKey(ctx, rows.InsertVelocityKeyParams{Bucket: c.bucket, Kind: c.kind, Token: c.token})
		if store.IsDuplicate(err) {
			return errRaced
		}
		return errs.Wrap(err, "keeping a token")
	}
	n, err := q.RaiseVelocityKey(ctx, rows.RaiseVelocityKeyParams{Bucket: c.bucket, Kind: c.kind, Token: c.token, Version: c.version})
	return store.One(n, err, errRaced)
}

const forgetBatch = 500

// forget deletes applications that are older than any window needs.
func (s *Service) forget(ctx context.Context) (more bool, err error) {
	before := s.deps.Clock.Now().Add(-remember).UnixMilli()
	old, err := rows.New(s.deps.DB.Primary()).OldVelocityEvents(ctx, rows.OldVelocityEventsParams{AtMs: before, Limit: forgetBatch})
	if err != nil {
		return false, errs.Wrap(store.Explain(err), "listing old counts")
	}
	if len(old) == 0 {
		return false, nil
	}
	err = s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		q := rows.New(tx)
		for _, e := range old {
			if err := q.DeleteVelocityEvent(tx.Context(), rows.DeleteVelocityEventParams{Bucket: e.Bucket, Kind: e.Kind, Token: e.Token,
				AtMs: e.AtMs, ApplicationID: e.ApplicationID}); err != nil {
				return err
			}
		}
		return nil
	})
	return len(old) == forgetBatch, errs.Wrap(err, "forgetting old counts")
}
