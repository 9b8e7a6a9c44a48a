package payment

import (
	"cmp"
	"context"
	"encoding/hex"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/service/payment/rows"
)

// staffAPI is what the lender's people see and decide.
type staffAPI struct{ *Service }

// ListOrders answers orders, the newest first.
func (a staffAPI) ListOrders(ctx context.Context, req *paymentv1.ListOrdersRequest) (*paymentv1.ListOrdersResponse, error) {
	p, err := readPage(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	q := rows.New(a.deps.DB.Read())
	if req.GetUnknownOnly() {
		return a.listUnknown(ctx, q, p)
	}
	list, err := a.find(ctx, q, req, p)
	if err != nil {
		return nil, errs.Wrap(err, "listing orders")
	}
	list, next := cut(list, p, orderKey)
	out := &paymentv1.ListOrdersResponse{NextPageToken: next}
	for i := range list {
		out.Orders = append(out.Orders, orderOf(&list[i], nil))
	}
	return out, nil
}

func orderKey(o rows.PaymentOrder) (int64, int64) { return o.CreatedMs, o.OrderID }

// find answers one more than a page of orders. A user's or loan's lie in one bucket; all others are read state by state
// along the index, because no index serves several states in one order.
func (a staffAPI) find(ctx context.Context, q *rows.Queries, req *paymentv1.ListOrdersRequest, p page) ([]rows.PaymentOrder, error) {
	states, kinds := req.GetStates(), []string{req.GetKind()}
	if len(states) == 0 {
		states = names(payment.OrderStates)
	}
	if req.GetKind() == "" {
		kinds = names(payment.Kinds)
	}
	if owner := cmp.Or(req.GetLoanId(), req.GetUserId()); owner != 0 {
		return q.ListOrdersOfBucket(ctx, rows.ListOrdersOfBucketParams{
			Bucket: id.Bucket(owner), OwnerID: owner, BeforeMs: p.at, BeforeID: p.then, States: states, Kinds: kinds, Limit: p.size + 1,
		})
	}
	var all []rows.PaymentOrder
	for _, state := range states {
		list, err := q.ListOrders(ctx, rows.ListOrdersParams{
			LastBucket: id.Buckets - 1, State: state, BeforeMs: p.at, BeforeID: p.then, Kinds: kinds, Limit: p.size + 1,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return newest(all, orderKey), nil
}

// listUnknown answers orders with an attempt whose end is unknown, by their ids.
func (a staffAPI) listUnknown(ctx context.Context, q *rows.Queries, p page) (*paymentv1.ListOrdersResponse, error) {
	after := int64(0)
	if p.then != maxID {
		after = p.then
	}
	ids, err := q.UnknownOrders(ctx, rows.UnknownOrdersParams{AfterID: after, Limit: p.size + 1})
	if err != nil {
		return nil, errs.Wrap(err, "listing unknown orders")
	}
	ids, next := cut(ids, p, func(orderID int64) (int64, int64) { return 0, orderID })
	out := &paymentv1.ListOrdersResponse{NextPageToken: next}
	for _, orderID := range ids {
		o, err := order(ctx, q, orderID)
		if err != nil {
			return nil, err
		}
		out.Orders = append(out.Orders, orderOf(&o, nil))
	}
	return out, nil
}

// GetStaffOrder answers everything that is known of an order.
func (a staffAPI) GetStaffOrder(ctx context.Context, req *paymentv1.GetStaffOrderRequest) (*paymentv1.GetStaffOrderResponse, error) {
	q := rows.New(a.deps.DB.Primary())
	o, err := order(ctx, q, req.GetOrderId())
	if err != nil {
		return nil, err
	}
	tries, err := attempts(ctx, q, o.OrderID)
	if err != nil {
		return nil, err
	}
	out := &paymentv1.GetStaffOrderResponse{Order: orderOf(&o, tries)}
	if err := historyOf(ctx, q, &o, out); err != nil {
		return nil, err
	}
	for i := range tries {
		out.Routes = append(out.Routes, tries[i].Route)
		if err := evidenceOf(ctx, q, &tries[i], out); err != nil {
			return nil, err
		}
	}
	out.Entries, err = a.entriesOfOrder(ctx, q, o.OrderID)
	return out, err
}

func historyOf(ctx context.Context, q *rows.Queries, o *rows.PaymentOrder, out *paymentv1.GetStaffOrderResponse) error {
	moves, err := q.MovesOfOrder(ctx, rows.MovesOfOrderParams{Bucket: o.Bucket, OrderID: o.OrderID})
	if err != nil {
		return errs.Wrap(err, "reading an order's history")
	}
	for _, m := range moves {
		out.Moves = append(out.Moves, &paymentv1.Move{
			AttemptId: m.AttemptID, From: m.FromState, Event: m.Event, To: m.ToState, AtMs: m.AtMs, Actor: m.Actor,
		})
	}
	hold, err := q.HoldOfOrder(ctx, rows.HoldOfOrderParams{Bucket: o.Bucket, OrderID: o.OrderID})
	if err != nil && !noRow(err) {
		return errs.Wrap(err, "reading a hold")
	}
	out.HoldState = hold.State
	breaks, err := q.BreaksOfOrder(ctx, rows.BreaksOfOrderParams{Bucket: o.Bucket, OrderID: o.OrderID})
	for i := range breaks {
		out.Breaks = append(out.Breaks, breakOf(&breaks[i]))
	}
	return errs.Wrap(err, "reading breaks")
}

func evidenceOf(ctx context.Context, q *rows.Queries, a *rows.PaymentAttempt, out *paymentv1.GetStaffOrderResponse) error {
	list, err := q.EvidenceOfAttempt(ctx, rows.EvidenceOfAttemptParams{Bucket: a.Bucket, AttemptID: a.AttemptID})
	for _, e := range list {
		out.Evidence = append(out.Evidence, &paymentv1.Evidence{
			AttemptId: e.AttemptID, Source: e.Source, Verdict: e.Verdict, Code: e.Code, Message: e.Message,
			Digest: hex.EncodeToString(e.Digest), AtMs: e.AtMs,
		})
	}
	return errs.Wrap(err, "reading evidence")
}

// ListChannels answers the channels with settings and health.
func (a staffAPI) ListChannels(ctx context.Context, _ *paymentv1.ListChannelsRequest) (*paymentv1.ListChannelsResponse, error) {
	q := rows.New(a.deps.DB.Read())
	list, err := a.settings(ctx, q)
	if err != nil {
		return nil, err
	}
	live, err := q.CountLive(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "counting attempts")
	}
	out := &paymentv1.ListChannelsResponse{}
	for i := range list {
		c, err := channelOf(&list[i], a.channels[list[i].Channel])
		if err != nil {
			return nil, err
		}
		if c.UsedMinor, err = a.used(ctx, q, &list[i], a.deps.Clock.Now(), false); err != nil {
			return nil, err
		}
		for _, n := range live {
			if n.Channel != c.GetChannel() {
				continue
			}
			c.Live += n.Attempts
			if n.State == string(payment.Unknown) {
				c.Unknown += n.Attempts
			}
		}
		c.Drained = c.GetDraining() && c.GetLive() == 0
		out.Channels = append(out.Channels, c)
	}
	return out, nil
}

// ListBreaks answers what waits for a person, the newest first.
func (a staffAPI) ListBreaks(ctx context.Context, req *paymentv1.ListBreaksRequest) (*paymentv1.ListBreaksResponse, error) {
	p, err := readPage(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	states := []string{"OPEN"}
	if req.GetClosedToo() {
		states = append(states, "CLOSED")
	}
	key := func(b rows.PaymentBreak) (int64, int64) { return b.CreatedMs, b.BreakID }
	var all []rows.PaymentBreak
	for _, state := range states {
		list, err := rows.New(a.deps.DB.Primary()).ListBreaks(ctx, rows.ListBreaksParams{State: state, BeforeMs: p.at, BeforeID: p.then, Limit: p.size + 1})
		if err != nil {
			return nil, errs.Wrap(err, "listing breaks")
		}
		all = append(all, list...)
	}
	list, next := cut(newest(all, key), p, key)
	out := &paymentv1.ListBreaksResponse{NextPageToken: next}
	for i := range list {
		out.Breaks = append(out.Breaks, breakOf(&list[i]))
	}
	return out, nil
}

// ListRefusals answers how many callbacks were refused.
func (a staffAPI) ListRefusals(ctx context.Context, req *paymentv1.ListRefusalsRequest) (*paymentv1.ListRefusalsResponse, error) {
	p, err := readPage(req.GetPageSize(), "")
	if err != nil {
		return nil, err
	}
	list, err := rows.New(a.deps.DB.Primary()).ListRefusals(ctx, p.size)
	out := &paymentv1.ListRefusalsResponse{}
	for _, r := range list {
		out.Refusals = append(out.Refusals, &paymentv1.Refusal{
			Date: r.RefusedOn, Channel: r.Channel, Reason: r.Reason, Times: r.Times, LastDigest: hex.EncodeToString(r.LastDigest), LastMs: r.LastMs,
		})
	}
	return out, errs.Wrap(err, "listing refusals")
}
