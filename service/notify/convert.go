package notify

import (
	"slices"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/service/notify/rows"
	"github.com/hengdai/hengdai/service/notify/template"
)

// starred stands where a one-time code was.
func starred(rows.Message) (string, error) { return "******", nil }

func (s *Service) inAppOf(m rows.Message) (*notifyv1.InAppMessage, error) {
	zh, err := s.wordsOf(m, "zh", starred)
	if err != nil {
		return nil, err
	}
	en, err := s.wordsOf(m, "en", starred)
	if err != nil {
		return nil, err
	}
	return &notifyv1.InAppMessage{MessageId: m.MessageID, Template: m.Template, TitleZh: zh.Title, TitleEn: en.Title, TextZh: zh.Text, TextEn: en.Text,
		SubjectId: m.SubjectID, CreatedMs: m.CreatedMs, ReadMs: m.ReadMs}, nil
}

func messageOf(m rows.Message) *notifyv1.Message {
	return &notifyv1.Message{MessageId: m.MessageID, UserId: m.UserID, Channel: m.Channel, Template: m.Template,
		TemplateVersion: int32(m.TemplateVersion), Class: m.Class, State: m.State, Reason: m.Reason, SubjectId: m.SubjectID, Language: m.Language,
		CreatedMs: m.CreatedMs, NotBeforeMs: m.NotBeforeMs, ExpiresMs: m.ExpiresMs, SentMs: m.SentMs, EndedMs: m.EndedMs,
		ProviderNo: m.ProviderNo, ReadMs: m.ReadMs}
}

func templateOf(t template.Template) *notifyv1.Template {
	p := &notifyv1.Template{Key: t.Key, Version: int32(t.Version), Class: string(t.Class), Channels: t.Channels,
		TitleZh: t.ZH.Title, TitleEn: t.EN.Title, TextZh: t.ZH.Text, TextEn: t.EN.Text, ValidHours: int32(t.ValidHours)}
	for name := range t.Parameters {
		p.Parameters = append(p.Parameters, name)
	}
	slices.Sort(p.Parameters)
	return p
}

func stopOf(r rows.Stop) *notifyv1.ContactStop {
	return &notifyv1.ContactStop{StopId: r.StopID, UserId: r.UserID, Reason: r.Reason, StoppedBy: r.StoppedBy, FromMs: r.FromMs,
		UntilMs: r.UntilMs, LiftedMs: r.LiftedMs, LiftedBy: r.LiftedBy}
}
