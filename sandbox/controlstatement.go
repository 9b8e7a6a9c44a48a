package sandbox

import (
	"context"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/channel/alpha"
	"github.com/hengdai/hengdai/sandbox/channel/beta"
)

var (
	errParty = errs.New(errs.Invalid, "sandbox.party", "没有这个支付渠道。", "There is no such payment channel.").On("party")
	errDay   = errs.New(errs.Invalid, "sandbox.day", "日期无效。", "The day is not valid.").On("day")
)

// mountStatements mounts what the control surface knows of statements and of what happens after a success.
func (s *Sandbox) mountStatements(handle func(pattern string, do func(r *http.Request) (any, error))) {
	handle("GET /control/statements", func(r *http.Request) (any, error) {
		list, err := s.statements(r.Context(), r.URL.Query().Get("party"), limitOf(r, 100, 10_000))
		return map[string]any{"statements": list}, err
	})
	handle("POST /control/reissue", s.controlReissue)
	handle("GET /control/breaks", func(r *http.Request) (any, error) {
		limit := limitOf(r, 1000, 10_000)
		after := numberOf(r, "after", 0)
		list, err := channel.Breaks(r.Context(), s.deps.DB.Primary(), r.URL.Query().Get("party"), after, limit)
		if len(list) > 0 {
			after = list[len(list)-1].ID
		}
		return map[string]any{"breaks": list, "next": after, "more": len(list) == limit}, err
	})
	handle("GET /control/merchants", func(r *http.Request) (any, error) {
		list, err := channel.Merchants(r.Context(), s.deps.DB.Primary())
		return map[string]any{"merchants": list}, err
	})
	handle("POST /control/return", s.controlUndo(channel.Return))
	handle("POST /control/chargeback", s.controlUndo(channel.ChargeBack))
	handle("POST /control/receipt", s.controlReceipt)
}

func (s *Sandbox) channel(name string) (*channel.Channel, error) {
	switch name {
	case alpha.Name:
		return s.alpha.Channel, nil
	case beta.Name:
		return s.beta.Channel, nil
	}
	return nil, errParty
}

func (s *Sandbox) controlUndo(kind string) func(r *http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var in struct {
			Party string `json:"party"`
			channel.Ref
		}
		if err := read(r, &in); err != nil {
			return nil, err
		}
		c, err := s.channel(in.Party)
		if err != nil {
			return nil, err
		}
		return c.Undo(r.Context(), kind, in.Ref)
	}
}

func (s *Sandbox) controlReceipt(r *http.Request) (any, error) {
	var in struct {
		Party       string `json:"party"`
		MerchantID  string `json:"merchant_id"`
		CardNo      string `json:"card_no"`
		AmountMinor int64  `json:"amount_minor"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	c, err := s.channel(in.Party)
	if err != nil {
		return nil, err
	}
	return c.Receipt(r.Context(), in.MerchantID, in.CardNo, in.AmountMinor)
}

func (s *Sandbox) controlReissue(r *http.Request) (any, error) {
	var in struct {
		Party      string `json:"party"`
		MerchantID string `json:"merchant_id"`
		Day        string `json:"day"`
		// Lines: the new file also tells every line as it was.
		Lines bool `json:"lines"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	c, err := s.channel(in.Party)
	if err != nil {
		return nil, err
	}
	day, err := time.ParseInLocation(time.DateOnly, in.Day, clock.Shanghai)
	if err != nil {
		return nil, errDay
	}
	made, err := c.Reissue(r.Context(), in.MerchantID, day, in.Lines)
	return map[string]any{"statements": listed(made)}, err
}

// listing is a statement without its content.
type listing struct {
	Party        string `json:"party"`
	MerchantID   string `json:"merchant_id"`
	Day          string `json:"day"`
	Version      int64  `json:"version"`
	Fault        string `json:"fault"`
	ReadyMS      int64  `json:"ready_ms"`
	FileName     string `json:"file_name"`
	Lines        int64  `json:"lines"`
	InMinor      int64  `json:"in_minor"`
	OutMinor     int64  `json:"out_minor"`
	FeeMinor     int64  `json:"fee_minor"`
	OpeningMinor int64  `json:"opening_minor"`
	ClosingMinor int64  `json:"closing_minor"`
	SHA256       string `json:"sha256"`
}

func listed(made []channel.Made) []listing {
	list := []listing{}
	for _, m := range made {
		list = append(list, listing{m.Party, m.MerchantID, m.Day, m.Version, m.Fault, m.ReadyMS, m.Name, m.Lines, m.InMinor, m.OutMinor,
			m.FeeMinor, m.OpeningMinor, m.ClosingMinor, m.SHA256})
	}
	return list
}

// statements answers what was made, newest day first, of one channel or (name empty) of both.
func (s *Sandbox) statements(ctx context.Context, name string, limit int) ([]listing, error) {
	list := []listing{}
	for _, one := range []string{alpha.Name, beta.Name} {
		if name != "" && name != one {
			continue
		}
		c, err := s.channel(one)
		if err != nil {
			return nil, err
		}
		made, err := c.Newest(ctx, limit)
		if err != nil {
			return nil, err
		}
		list = append(list, listed(made)...)
	}
	return list, nil
}
