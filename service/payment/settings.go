package payment

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
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
			if c.Channel != list[i].Channel {
				continue
			}
			if c.Terms == "" { // set before there were terms and daily limits
				c.DailyMinor = list[i].DailyMinor
			}
			list[i] = c
		}
	}
	slices.SortFunc(list, func(a, b rows.PaymentChannel) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Channel, b.Channel))
	})
	return list, nil
}

func (l *line) initial(name string) rows.PaymentChannel {
	c := rows.PaymentChannel{
		Channel: name, Enabled: 1, Priority: l.cfg.Priority, MinMinor: l.cfg.MinMinor, MaxMinor: l.cfg.MaxMinor,
		DailyMinor: l.cfg.DailyMinor, Breaker: breakerAuto,
	}
	if l.cfg.Disabled {
		c.Enabled = 0
	}
	return c
}

// allTerms answers what a channel asks, by kind: what two people set, else what the configuration says, else what is
// usual with the channel.
func (l *line) allTerms(c *rows.PaymentChannel) (map[payment.Kind]payment.Terms, error) {
	switch {
	case c.Terms != "":
		var set map[payment.Kind]payment.Terms
		err := json.Unmarshal([]byte(c.Terms), &set)
		return set, errs.Wrap(err, "reading a channel's terms")
	case l.cfg.Terms != nil:
		return l.cfg.Terms, nil
	}
	return l.profile.Terms, nil
}

func (l *line) terms(c *rows.PaymentChannel, kind payment.Kind) (payment.Terms, error) {
	all, err := l.allTerms(c)
	return all[kind], err
}

// rule puts together what routing knows of a channel for a kind of order.
func (l *line) rule(c *rows.PaymentChannel, kind payment.Kind, used int64) (payment.Rule, error) {
	terms, err := l.terms(c, kind)
	_, again, health := l.watch.look(kind)
	r := payment.Rule{
		Channel: c.Channel, Priority: c.Priority, Enabled: c.Enabled != 0, Draining: c.Draining != 0, Kinds: l.profile.Kinds,
		MinMinor: c.MinMinor, MaxMinor: c.MaxMinor, DailyMinor: c.DailyMinor, UsedMinor: used, Terms: terms,
		Shut: again > 0, ShutFor: again, Paced: l.paced(), Health: health,
	}
	switch c.Breaker {
	case breakerOpen:
		r.Shut, r.ShutFor = true, 0
	case breakerClosed:
		r.Shut = false
	}
	return r, err
}

// paced says that more calls wait than the contract allows in the next second.
func (l *line) paced() bool {
	return l.cfg.PerSecond > 0 && l.pace.Tokens() <= -float64(l.cfg.PerSecond)
}

// used answers what a day has used of a channel's limit. The first to ask in a transaction (count) makes the row, from
// what was asked of the channel since midnight: a limit that comes into force during a day counts the whole day.
func (s *Service) used(ctx context.Context, q *rows.Queries, c *rows.PaymentChannel, now time.Time, count bool) (int64, error) {
	if c.DailyMinor == 0 {
		return 0, nil
	}
	day := calendar.InShanghai(now)
	used, err := q.UseOf(ctx, rows.UseOfParams{Channel: c.Channel, UsedOn: day.String()})
	if !noRow(err) {
		return used, errs.Wrap(err, "reading the use of a channel")
	}
	buckets := make([]int64, id.Buckets)
	for i := range buckets {
		buckets[i] = int64(i)
	}
	midnight := day.Midnight()
	used, err = q.SumAsked(ctx, rows.SumAskedParams{
		Buckets: buckets, FirstID: id.First(midnight), Channel: c.Channel, SinceMs: midnight.UnixMilli(),
	})
	if err != nil || !count {
		return used, errs.Wrap(err, "adding up the use of a channel")
	}
	return used, errs.Wrap(q.InsertUse(ctx, rows.InsertUseParams{Channel: c.Channel, UsedOn: day.String(), UsedMinor: used}), "counting the use of a channel")
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
			DailyMinor: c.DailyMinor, Terms: c.Terms, Breaker: c.Breaker,
		})
		return errs.Wrap(err, "setting a channel")
	}
	n, err := q.SetChannel(ctx, rows.SetChannelParams{
		Enabled: c.Enabled, Draining: c.Draining, Priority: c.Priority, MinMinor: c.MinMinor, MaxMinor: c.MaxMinor,
		DailyMinor: c.DailyMinor, Terms: c.Terms, Breaker: c.Breaker, Channel: c.Channel, Version: c.Version,
	})
	if err == nil && n == 0 {
		return errMoved
	}
	return errs.Wrap(err, "setting a channel")
}
