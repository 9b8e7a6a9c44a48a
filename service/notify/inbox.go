package notify

import (
	"context"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/rows"
)

// ListMessages answers a page of the caller's inbox.
func (s public) ListMessages(ctx context.Context, req *notifyv1.ListMessagesRequest) (*notifyv1.ListMessagesResponse, error) {
	me := rpc.From(ctx).ID
	after, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize(), 20)
	list, err := rows.New(s.deps.DB.Primary()).Inbox(ctx, rows.InboxParams{Bucket: id.Bucket(me), UserID: me, ReadToo: flag(!req.GetUnreadOnly()),
		BeforeMs: after.MS, BeforeID: after.ID, Limit: size + 1})
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "reading the inbox")
	}
	list, token := page(list, size)
	res := &notifyv1.ListMessagesResponse{NextPageToken: token}
	for _, m := range list {
		one, err := s.inAppOf(m)
		if err != nil {
			return nil, err
		}
		res.Messages = append(res.Messages, one)
	}
	res.Unread, err = s.unread(ctx, me)
	return res, err
}

// CountUnread answers how many of the caller's messages are unread.
func (s public) CountUnread(ctx context.Context, _ *notifyv1.CountUnreadRequest) (*notifyv1.CountUnreadResponse, error) {
	n, err := s.unread(ctx, rpc.From(ctx).ID)
	return &notifyv1.CountUnreadResponse{Unread: n}, err
}

// MarkRead marks one of the caller's messages.
func (s public) MarkRead(ctx context.Context, req *notifyv1.MarkReadRequest) (*notifyv1.MarkReadResponse, error) {
	me := rpc.From(ctx).ID
	bucket := id.Bucket(me)
	err := s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		m, err := s.load(ctx, tx, bucket, req.GetMessageId())
		if err != nil {
			return err
		}
		if m.UserID != me || m.Channel != inApp || State(m.State) != Delivered {
			return errNoMessage
		}
		_, err = rows.New(tx).MarkRead(ctx, rows.MarkReadParams{ReadMs: s.deps.Clock.Now().UnixMilli(), Bucket: bucket, MessageID: m.MessageID, UserID: me})
		return err
	})
	if err != nil {
		return nil, errs.Wrap(err, "marking a message as read")
	}
	n, err := s.unread(ctx, me)
	return &notifyv1.MarkReadResponse{Unread: n}, err
}

// MarkAllRead marks all of the caller's messages.
func (s public) MarkAllRead(ctx context.Context, _ *notifyv1.MarkAllReadRequest) (*notifyv1.MarkAllReadResponse, error) {
	me := rpc.From(ctx).ID
	var n int64
	err := s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		n, err = rows.New(tx).MarkAllRead(ctx, rows.MarkAllReadParams{ReadMs: s.deps.Clock.Now().UnixMilli(), Bucket: id.Bucket(me), UserID: me})
		return err
	})
	return &notifyv1.MarkAllReadResponse{Marked: n}, errs.Wrap(err, "marking messages as read")
}

func (s *Service) unread(ctx context.Context, userID int64) (int64, error) {
	n, err := rows.New(s.deps.DB.Primary()).CountUnread(ctx, rows.CountUnreadParams{Bucket: id.Bucket(userID), UserID: userID})
	return n, errs.Wrap(store.Explain(err), "counting unread messages")
}
