package payment

import (
	"cmp"
	"context"
	"slices"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/payment/rows"
)

var errNoChannel = errs.New(errs.Unavailable, "payment.channel_not_configured",
	"该支付渠道未配置。", "This payment channel is not configured.")

// settings answers what is in force for each configured channel, by priority: what two people set, else what the
// configuration says. A version of zero means that nobody has changed anything.
func (s *Service) settings(ctx context.Context, q *rows.Queries) ([]rows.PaymentChannel, error) {
	changed, err := q.Channels(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "reading settings of channels")
	}
	list := make([]rows.PaymentChannel, 0, len(s.channels))
	for name, l := range s.channels {
		list = append(list, l.initial(name))
	}
	for i := range list {
		for _, c := range changed {
			if c.Channel == list[i].Channel {
				list[i] = c
			}
		}
	}
	slices.SortFunc(list, func(a, b rows.PaymentChannel) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Channel, b.Channel))
	})
	return list, nil
}

func (l *line) initial(name string) rows.PaymentChannel {
	c := rows.PaymentChannel{Channel: name, Enabled: 1, Priority: l.cfg.Priority, MinMinor: l.cfg.MinMinor, MaxMinor: l.cfg.MaxMinor}
	if l.cfg.Disabled {
		c.Enabled = 0
	}
	return c
}

// setChannel puts settings in force that were made while looking at a version; somebody else's change in between is a
// Conflict.
func (s *Service) setChannel(ctx context.Context, q *rows.Queries, c rows.PaymentChannel) error {
	if s.channels[c.Channel] == nil {
		return errNoChannel
	}
	if c.Version == 0 {
		err := q.InsertChannel(ctx, rows.InsertChannelParams{
			Channel: c.Channel, Enabled: c.Enabled, Draining: c.Draining, Priority: c.Priority, MinMinor: c.MinMinor, MaxMinor: c.MaxMinor,
		})
		return errs.Wrap(err, "setting a channel")
	}
	n, err := q.SetChannel(ctx, rows.SetChannelParams{
		Enabled: c.Enabled, Draining: c.Draining, Priority: c.Priority, MinMinor: c.MinMinor, MaxMinor: c.MaxMinor,
		Channel: c.Channel, Version: c.Version,
	})
	if err == nil && n == 0 {
		return errMoved
	}
	return errs.Wrap(err, "setting a channel")
}
