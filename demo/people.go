package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hengdai/hengdai/sandbox/people"
)

// Behaviour is how a borrower pays. It follows from the row's label and the seed.
type Behaviour struct {
	Kind string
	// From is the instalment at which it shows, counted from 1.
	From int
	// DaysLate is how long a late payer takes to pay by himself.
	DaysLate int
}

// The kinds of payers.
const (
	PaysByDebit = "pays by debit" // the card always holds enough
	PaysEarly   = "settles early" // pays everything off at instalment From
	PaysLate    = "late once"     // the debit of instalment From fails; he pays DaysLate later
	StopsPaying = "stops paying"  // the account is empty from instalment From on
)

// behaviourOf decides how a row pays: good rows pay, one in ten settles early and one in ten is late once; bad rows stop.
func behaviourOf(seed uint64, row Row) Behaviour {
	chance := rand.New(rand.NewPCG(seed, uint64(row.Number)<<16)) //nolint:gosec // a run must be repeatable, not secret
	terms := int(row.TermMonths)
	draw := chance.IntN(10)
	switch {
	case !row.Good:
		return Behaviour{Kind: StopsPaying, From: 1 + chance.IntN(max(1, terms/2))}
	case draw == 0 && terms > 2:
		return Behaviour{Kind: PaysEarly, From: 2 + chance.IntN(terms-1)}
	case draw == 1:
		return Behaviour{Kind: PaysLate, From: 1 + chance.IntN(terms), DaysLate: 1 + chance.IntN(40)}
	}
	return Behaviour{Kind: PaysByDebit}
}

// personOf makes the person of a row: of the row's age on the given day, with numbers that nobody can have.
func personOf(seed uint64, row Row, today time.Time) people.Person {
	chance := rand.New(rand.NewPCG(seed, uint64(row.Number))) //nolint:gosec // a run must be repeatable, not secret
	born := today.AddDate(-row.Age, 0, -1-chance.IntN(364))
	if row.Age == 0 {
		born = today.AddDate(-30, 0, 0)
	}
	return people.MakeBorn(seed, uint64(row.Number), born, 0)
}

// bank is the sandbox's control surface: where a borrower's account is filled or runs dry.
type bank struct{ control *controlClient }

func (b bank) enrol(ctx context.Context, persons []people.Person) error {
	return b.control.post(ctx, "/control/people", map[string]any{"people": persons}, nil)
}

// setBalance states what the account of a card holds.
func (b bank) setBalance(ctx context.Context, cardNo string, minor int64) error {
	return b.control.post(ctx, "/control/accounts", map[string]any{"card_no": cardNo, "balance_minor": minor}, nil)
}

// newestCode reads the last one-time code sent to a mobile after a message, as the person would on his phone.
func (b bank) newestCode(ctx context.Context, mobile string, after int64) (code string, seq int64, err error) {
	var answer struct {
		Messages []struct {
			Seq      int64  `json:"seq"`
			Template string `json:"template"`
			Text     string `json:"text"`
		} `json:"messages"`
	}
	if err := b.control.get(ctx, fmt.Sprintf("/control/sms?mobile=%s&after=%d", mobile, after), &answer); err != nil {
		return "", 0, err
	}
	for _, message := range answer.Messages {
		if message.Template == "code.login" && message.Seq > seq {
			code, seq = sixDigits(message.Text), message.Seq
		}
	}
	if code == "" {
		return "", 0, errors.New("no code has arrived yet")
	}
	return code, seq, nil
}

// sixDigits finds the first run of exactly six digits.
func sixDigits(text string) string {
	run := 0
	for i, r := range text + " " {
		if r >= '0' && r <= '9' {
			run++
			continue
		}
		if run == 6 {
			return text[i-6 : i]
		}
		run = 0
	}
	return ""
}
