package sandbox

import (
	"context"
	"net/http"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox/party"
	"github.com/hengdai/hengdai/sandbox/people"
)

const (
	control = "control"
	opened  = "OPEN"
	changed = "SET"
)

func (s *Sandbox) controlPeople(r *http.Request) (any, error) {
	var in struct {
		People       []people.Person `json:"people"`
		Make         int             `json:"make"`
		Seed         uint64          `json:"seed"`
		BalanceMinor int64           `json:"balance_minor"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Make < 0 || in.Make > 10_000 || len(in.People) > 10_000 || in.BalanceMinor < 0 {
		return nil, errs.New(errs.Invalid, "sandbox.people", "人数过多。", "At most 10,000 people at a time.")
	}
	if in.Make > 0 {
		if in.Seed == 0 {
			in.Seed = uint64(clock.Real().UnixNano())
		}
		in.People = append(in.People, people.Generate(in.Seed, in.Make, people.Options{BalanceMinor: in.BalanceMinor})...)
	}
	if err := s.AddPeople(r.Context(), in.People); err != nil {
		return nil, err
	}
	return map[string]any{"people": in.People}, nil
}

// addPeople stores persons; the first balance of a new card is journalled, so that balances can be recomputed.
func (s *Sandbox) addPeople(ctx context.Context, list []people.Person) error {
	return s.deps.DB.Write(ctx, func(tx *store.Tx) error {
		ms, date := s.desk.Now()
		for _, p := range list {
			var fresh []people.Card
			for _, c := range p.Cards {
				if _, err := people.Find(ctx, tx, c.CardNo); errs.CodeOf(err) == errs.NotFound {
					fresh = append(fresh, c)
				} else if err != nil {
					return err
				}
			}
			if err := people.Add(ctx, tx, p, ms); err != nil {
				return err
			}
			for _, c := range fresh {
				if err := s.desk.Record(ctx, tx, party.Entry{Party: control, Kind: opened, CardNo: c.CardNo, AmountMinor: c.BalanceMinor,
					Status: "SUCCESS", AtMS: ms, SettledOn: date}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *Sandbox) controlAccounts(r *http.Request) (any, error) {
	limit := limitOf(r, 1000, 10_000)
	rows, err := s.deps.DB.Primary().QueryContext(r.Context(), `SELECT card_no, id_no, holder, bank, mobile, balance_minor, closed
		FROM card WHERE card_no > ? ORDER BY card_no LIMIT ?`, r.URL.Query().Get("after"), limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list := []people.Account{}
	for rows.Next() {
		var a people.Account
		var closed int64
		if err := rows.Scan(&a.CardNo, &a.IDNo, &a.Holder, &a.Bank, &a.Mobile, &a.BalanceMinor, &closed); err != nil {
			return nil, err
		}
		a.Closed = closed == 1
		list = append(list, a)
	}
	next := r.URL.Query().Get("after")
	if len(list) > 0 {
		next = list[len(list)-1].CardNo
	}
	return map[string]any{"accounts": list, "next": next, "more": len(list) == limit}, rows.Err()
}

type accountChange struct {
	CardNo       string `json:"card_no"`
	BalanceMinor *int64 `json:"balance_minor"`
	AddMinor     *int64 `json:"add_minor"`
	Closed       *bool  `json:"closed"`
}

// controlAccount changes one account, or several at once under "accounts" (all or none).
func (s *Sandbox) controlAccount(r *http.Request) (any, error) {
	var in struct {
		accountChange
		Accounts []accountChange `json:"accounts"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	changes := in.Accounts
	if in.CardNo != "" {
		changes = append(changes, in.accountChange)
	}
	if len(changes) == 0 || len(changes) > 10_000 {
		return nil, errs.New(errs.Invalid, "sandbox.accounts", "请指定账户。", "Name the accounts to change.").On("card_no")
	}
	after := make([]people.Account, len(changes))
	err := s.deps.DB.Write(r.Context(), func(tx *store.Tx) error {
		for i, c := range changes {
			var err error
			if after[i], err = s.changeAccount(r.Context(), tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if len(after) == 1 {
		return after[0], err
	}
	return map[string]any{"accounts": after}, err
}

func (s *Sandbox) changeAccount(ctx context.Context, tx *store.Tx, c accountChange) (people.Account, error) {
	a, err := people.Find(ctx, tx, c.CardNo)
	if err != nil {
		return a, err
	}
	var by int64
	switch {
	case c.BalanceMinor != nil && c.AddMinor != nil, c.BalanceMinor != nil && *c.BalanceMinor < 0:
		return a, errs.New(errs.Invalid, "sandbox.balance", "余额无效。", "The balance is not valid.").On("balance_minor")
	case c.BalanceMinor != nil:
		by = *c.BalanceMinor - a.BalanceMinor
	case c.AddMinor != nil:
		by = *c.AddMinor
	}
	if by != 0 {
		ms, date := s.desk.Now()
		if err := people.Move(ctx, tx, c.CardNo, by); err != nil {
			return a, err
		}
		if err := s.desk.Record(ctx, tx, party.Entry{Party: control, Kind: changed, CardNo: c.CardNo, AmountMinor: by,
			Status: "SUCCESS", AtMS: ms, SettledOn: date}); err != nil {
			return a, err
		}
	}
	if c.Closed != nil {
		if err := people.Close(ctx, tx, c.CardNo, *c.Closed); err != nil {
			return a, err
		}
	}
	return people.Find(ctx, tx, c.CardNo)
}
