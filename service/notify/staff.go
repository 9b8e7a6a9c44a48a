package notify

import (
	"context"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	userv1 "github.com/hengdai/hengdai/api/user/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/notify/rows"
)

// ListMessages answers messages without addresses and texts.
func (s staff) ListMessages(ctx context.Context, req *notifyv1.StaffListMessagesRequest) (*notifyv1.StaffListMessagesResponse, error) {
	after, err := readCursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	size := pageSize(req.GetPageSize(), 50)
	p := rows.ListMessagesParams{FirstBucket: 0, LastBucket: id.Buckets - 1, BeforeMs: after.MS, BeforeID: after.ID,
		AnyUser: flag(req.GetUserId() == 0), UserID: req.GetUserId(), AnyState: flag(req.GetState() == ""), State: req.GetState(),
		AnyChannel: flag(req.GetChannel() == ""), Channel: req.GetChannel(), AnyTemplate: flag(req.GetTemplate() == ""), Template: req.GetTemplate(),
		Limit: size + 1}
	if req.GetUserId() > 0 {
		p.FirstBucket = id.Bucket(req.GetUserId())
		p.LastBucket = p.FirstBucket
	}
	list, err := rows.New(s.deps.DB.Read()).ListMessages(ctx, p)
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "listing messages")
	}
	list, token := page(list, size)
	res := &notifyv1.StaffListMessagesResponse{NextPageToken: token}
	for _, m := range list {
		res.Messages = append(res.Messages, messageOf(m))
	}
	return res, nil
}

// GetMessage answers one message with its words and moves. The address is revealed by user, which keeps who looked, and
// shown masked.
func (s staff) GetMessage(ctx context.Context, req *notifyv1.GetMessageRequest) (*notifyv1.GetMessageResponse, error) {
	m, err := s.load(ctx, s.deps.DB.Primary(), id.Bucket(req.GetMessageId()), req.GetMessageId())
	if err != nil {
		return nil, err
	}
	res := &notifyv1.GetMessageResponse{Message: messageOf(m)}
	if res.Text, err = s.textOf(m, starred); err != nil {
		return nil, err
	}
	moves, err := rows.New(s.deps.DB.Primary()).MovesOf(ctx, rows.MovesOfParams{Bucket: m.Bucket, MessageID: m.MessageID})
	if err != nil {
		return nil, errs.Wrap(store.Explain(err), "reading a message's moves")
	}
	for _, v := range moves {
		res.Moves = append(res.Moves, &notifyv1.MessageMove{From: v.FromState, To: v.ToState, Reason: v.Reason, AtMs: v.AtMs})
	}
	if m.Channel == inApp || m.UserID == 0 {
		return res, nil
	}
	r, err := s.deps.User.Reveal(ctx, &userv1.RevealRequest{UserId: m.UserID, Fields: []string{"mobile"}, Purpose: "support", SubjectId: m.MessageID})
	if err != nil && errs.CodeOf(err) != errs.NotFound {
		return nil, errs.Wrap(err, "asking for a mobile")
	}
	res.MaskedAddress = secret.MaskMobile(secret.New(r.GetMobile()))
	return res, nil
}

// ListTemplates answers every text of this program.
func (s staff) ListTemplates(context.Context, *notifyv1.ListTemplatesRequest) (*notifyv1.ListTemplatesResponse, error) {
	res := &notifyv1.ListTemplatesResponse{}
	for _, t := range s.templates.All() {
		res.Templates = append(res.Templates, templateOf(t))
	}
	return res, nil
}
