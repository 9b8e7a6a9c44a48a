package people

import (
	"context"
	"database/sql"
	"errors"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

// The refusals of the population.
var (
	ErrUnknownCard = errs.New(errs.NotFound, "sandbox.card_unknown", "没有这张卡。", "There is no such card.")
	ErrPerson      = errs.New(errs.Invalid, "sandbox.person", "人员资料无效。", "The person is not valid.")
	ErrTaken       = errs.New(errs.Conflict, "sandbox.person_taken", "证件号或卡号已属于他人。", "The ID number or card belongs to somebody else.")
	ErrBalance     = errs.New(errs.Precondition, "sandbox.balance_too_low", "余额不足。", "The balance does not suffice.")
)

// Account is a card as the bank knows it.
type Account struct {
	CardNo       string `json:"card_no"`
	IDNo         string `json:"id_no"`
	Holder       string `json:"holder"`
	Bank         string `json:"bank"`
	Mobile       string `json:"mobile"`
	BalanceMinor int64  `json:"balance_minor"`
	Closed       bool   `json:"closed"`
}

// Add stores a person and his cards. A person or card that is already stored with the same owner is left as it is, so
// the same population can be stated twice.
func Add(ctx context.Context, tx *store.Tx, p Person, nowMS int64) error {
	if !ValidIDNo(p.IDNo) || p.Name == "" || len(p.Name) > 60 || !ValidMobile(p.Mobile) || len(p.Cards) > 10 {
		return ErrPerson
	}
	var name string
	err := tx.QueryRowContext(ctx, `SELECT name FROM person WHERE id_no = ?`, p.IDNo).Scan(&name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.ExecContext(ctx, `INSERT INTO person (id_no, name, mobile, reachable, made_ms) VALUES (?, ?, ?, ?, ?)`,
			p.IDNo, p.Name, p.Mobile, number(!p.Unreachable), nowMS)
	case err == nil && name != p.Name:
		return ErrTaken
	}
	if err != nil {
		return err
	}
	for _, c := range p.Cards {
		if err := addCard(ctx, tx, p, c); err != nil {
			return err
		}
	}
	return nil
}

func addCard(ctx context.Context, tx *store.Tx, p Person, c Card) error {
	if !ValidCardNo(c.CardNo) || c.BalanceMinor < 0 || c.Bank == "" || len(c.Bank) > 16 || (c.Mobile != "" && !ValidMobile(c.Mobile)) {
		return ErrPerson.On("cards")
	}
	if c.Mobile == "" {
		c.Mobile = p.Mobile
	}
	known, err := Find(ctx, tx, c.CardNo)
	if err == nil {
		if known.IDNo != p.IDNo {
			return ErrTaken
		}
		return nil
	}
	if errs.CodeOf(err) != errs.NotFound {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO card (card_no, id_no, holder, bank, mobile, balance_minor, closed, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, 1)`, c.CardNo, p.IDNo, p.Name, c.Bank, c.Mobile, c.BalanceMinor, number(c.Closed))
	return err
}

// Find answers a card's account.
func Find(ctx context.Context, q store.DBTX, cardNo string) (Account, error) {
	a := Account{CardNo: cardNo}
	var closed int64
	err := q.QueryRowContext(ctx, `SELECT id_no, holder, bank, mobile, balance_minor, closed FROM card WHERE card_no = ?`, cardNo).
		Scan(&a.IDNo, &a.Holder, &a.Bank, &a.Mobile, &a.BalanceMinor, &closed)
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, ErrUnknownCard
	}
	a.Closed = closed == 1
	return a, err
}

// Known reports whether the bureau has a person with this ID number.
func Known(ctx context.Context, q store.DBTX, idNo string) (bool, error) {
	var n int64
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM person WHERE id_no = ?`, idNo).Scan(&n)
	return n > 0, err
}

// Reachable reports whether a message to a mobile arrives: at everybody but the persons marked otherwise.
func Reachable(ctx context.Context, q store.DBTX, mobile string) (bool, error) {
	var n int64
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM person WHERE mobile = ? AND reachable = 0`, mobile).Scan(&n)
	return n == 0, err
}

// Move changes a card's balance by a sum, which may be negative. Nothing changes, and it answers ErrBalance, if the
// balance would fall below zero.
func Move(ctx context.Context, tx *store.Tx, cardNo string, byMinor int64) error {
	res, err := tx.ExecContext(ctx, `UPDATE card SET balance_minor = balance_minor + ?, version = version + 1
		WHERE card_no = ? AND balance_minor + ? >= 0`, byMinor, cardNo, byMinor)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	return store.One(n, err, ErrBalance)
}

// Close closes a card or opens it again.
func Close(ctx context.Context, tx *store.Tx, cardNo string, closed bool) error {
	res, err := tx.ExecContext(ctx, `UPDATE card SET closed = ?, version = version + 1 WHERE card_no = ?`, number(closed), cardNo)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	return store.One(n, err, ErrUnknownCard)
}

// List answers persons with their cards, newest first.
func List(ctx context.Context, q store.DBTX, limit int) ([]Person, error) {
	rows, err := q.QueryContext(ctx, `SELECT p.id_no, p.name, p.mobile, p.reachable, c.card_no, c.bank, c.mobile, c.balance_minor, c.closed
		FROM (SELECT id_no, name, mobile, reachable, made_ms FROM person ORDER BY made_ms DESC, id_no LIMIT ?) p
		JOIN card c ON c.id_no = p.id_no ORDER BY p.made_ms DESC, p.id_no, c.card_no`, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	persons := []Person{}
	for rows.Next() {
		var p Person
		var c Card
		var reachable, closed int64
		if err := rows.Scan(&p.IDNo, &p.Name, &p.Mobile, &reachable, &c.CardNo, &c.Bank, &c.Mobile, &c.BalanceMinor, &closed); err != nil {
			return nil, err
		}
		p.Unreachable, c.Closed = reachable == 0, closed == 1
		if n := len(persons); n > 0 && persons[n-1].IDNo == p.IDNo {
			persons[n-1].Cards = append(persons[n-1].Cards, c)
			continue
		}
		p.Cards = []Card{c}
		persons = append(persons, p)
	}
	return persons, rows.Err()
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
