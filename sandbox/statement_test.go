package sandbox_test

import (
	"testing"
)

func TestAStatementListsWhatHappenedOnItsDay(t *testing.T) {
	each(t, func(t *testing.T, channel string) {
		r := start(t)
		day := r.standAt(1, 10, 0)
		r.send(channel, "n1", "PAYOUT", 1, 50_00)
		r.send(channel, "n2", "COLLECT", 2, 100_00)
		r.send(channel, "n3", "COLLECT", 3, 900_000_00) // fails: the card has too little
		if p := r.statement(channel, day, 0); p != nil {
			t.Fatal("there is a file while the day runs")
		}
		r.standAt(2, 8, 58)
		if p := r.statement(channel, day, 0); p != nil {
			t.Fatal("there is a file before nine")
		}
		r.standAt(2, 9, 1)
		p := r.good(channel, day)
		want(t, len(p.lines), 2)
		want(t, p.lines[0].kind+p.lines[0].requestNo, "PAYOUTn1")
		want(t, p.lines[1].kind+p.lines[1].requestNo, "COLLECTn2")
		want(t, p.in, 100_00)
		want(t, p.out, 50_00)
		want(t, p.fees, map[string]int64{"alpha": 100 + 30, "beta": 80 + 25}[channel])
		want(t, p.opening, 10_000_000_000_00)
		// The file is what it was, for as long as anybody asks, and an empty day has one, too.
		idle := r.standAt(4, 0, 30)
		r.restart()
		r.standAt(5, 9, 30)
		want(t, r.good(channel, day).raw, p.raw)
		empty := r.good(channel, idle)
		want(t, len(empty.lines), 0)
		want(t, empty.opening, p.closing)
		want(t, r.statement(channel, "2020-02-29", 0).closing, p.opening)
	})
}
