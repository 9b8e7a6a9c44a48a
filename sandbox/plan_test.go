package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/sandbox/party"
)

type counts struct {
	Rules  []party.Rule
	Kinds  map[party.Kind]party.Count
	Orders int
}

func (r *rig) counts() (c counts) {
	r.t.Helper()
	r.control("GET", "/control/faults", nil, &c)
	return c
}

// drive sends an order again and again, as a careful sender does, and asks until its state is known.
func (r *rig) drive(name, no string, amount int64) (final string, tries int) {
	r.t.Helper()
	p := r.person(1, 100_000_00)
	for tries = 1; tries < 12; tries++ {
		if name == "alpha" {
			if a := r.query(no); a["status"] == "SUCCESS" || a["status"] == "PROCESSING" {
				return a["status"].(string), tries
			}
			if a := r.pay(no, "PAYOUT", p, amount); a["status"] == "SUCCESS" || a["status"] == "PROCESSING" {
				return a["status"].(string), tries
			}
			continue
		}
		r.trans(no, "12", p, amount)
		time.Sleep(5 * time.Millisecond)
		if q := r.queryBeta(no); q["respCode"] == "00" && (q["origRespCode"] == "00" || q["origRespCode"] == "05") && tries > 1 {
			return map[string]string{"00": "SUCCESS", "05": "PROCESSING"}[q["origRespCode"]], tries
		}
	}
	return "", tries
}

func TestAPlanBefallsItsShareOfOrdersEachOnceAndAllEndWell(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		r.standAt(1, 10, 0)
		plan := map[string]any{"name": "same_day", "seed": 3, "rate_ppm": 500_000}
		want(t, r.control("POST", "/control/plan", plan, nil), 200)
		const orders = 150
		for i := range orders {
			if final, _ := r.drive(name, fmt.Sprint("n", i), 1_00); final == "" {
				t.Errorf("order %d ends nowhere", i)
			}
		}
		r.settle()
		c := r.counts()
		if c.Orders < orders*35/100 || c.Orders > orders*65/100 {
			t.Errorf("%d of %d orders met a fault, half were asked for", c.Orders, orders)
		}
		for _, kind := range []party.Kind{party.LostRequest, party.LostResponse, party.Timeout, party.ServerError, party.ServerErrorAfter,
			party.UnknownCode, party.Busy, party.TwiceCallback, party.LateCallback, party.EarlyCallback, party.NotFound} {
			if c.Kinds[kind].Numbers == 0 {
				t.Errorf("no order met %s", kind)
			}
		}
		done := map[string]int{}
		for _, e := range r.journal(name) {
			done[e.RequestNo]++
		}
		for i := range orders {
			want(t, done[fmt.Sprint("n", i)], 1)
		}
		// What was met is counted after a restart, too, and another plan begins anew.
		r.restart()
		want(t, r.counts().Orders, c.Orders)
		r.control("POST", "/control/plan", map[string]any{"name": "none"}, nil)
		want(t, r.counts().Orders+len(r.counts().Rules), 0)
		want(t, r.control("POST", "/control/plan", map[string]any{"name": "some"}, nil), 400)
		want(t, r.control("POST", "/control/plan", map[string]any{"name": "same_day", "rate_ppm": 1_000_001}, nil), 400)
	})
}

func TestACallForAStatementMeetsFaultsAndIsNoOrder(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		day := r.standAt(1, 10, 0)
		r.send(name, "n1", "PAYOUT", 1, 5_00)
		r.standAt(2, 9, 0)
		r.fault(party.Rule{Party: name, Kind: party.Busy, RatePPM: 1_000_000})
		if name == "alpha" {
			_, a := r.post("alpha", "/v1/statement", map[string]any{"merchant_id": "M1", "day": day})
			want(t, fmt.Sprint(a["status"], a["code"]), "ERRORSYSTEM_BUSY")
		} else {
			a := r.form("/gateway/api/file", map[string]string{"merId": "M1", "settleDate": strings.ReplaceAll(day, "-", "")})
			want(t, a["respCode"], "01")
		}
		want(t, len(r.good(name, day).lines), 1)
		c := r.counts()
		want(t, fmt.Sprint(c.Orders, c.Kinds[party.Busy].Hits), "0 1")
	})
}

func TestMishapsOfOnePlanNeverShareAnOrder(t *testing.T) {
	r := start(t)
	r.control("POST", "/control/plan", map[string]any{"name": "across_midnight", "seed": 3, "rate_ppm": 250_000, "statements": false}, nil)
	c := r.counts()
	met, shared := 0, 0
	for i := range 4000 {
		spans := map[string]bool{}
		for _, rule := range c.Rules {
			draw := party.Draw(rule.Seed, rule.Party, rule.Group, fmt.Sprint(i))
			if rule.Party == "beta" && draw >= rule.FromPPM && draw < rule.FromPPM+rule.RatePPM {
				spans[fmt.Sprint(rule.FromPPM)] = true
			}
		}
		if len(spans) > 0 {
			met++
		}
		if len(spans) > 1 {
			shared++
		}
	}
	if met < 900 || met > 1100 || shared > 0 {
		t.Errorf("%d of 4000 orders meet a mishap of 25 %%, %d more than one", met, shared)
	}
}

func TestAnOrderIsExecutedTheDayAfterItWasAccepted(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		r.fault(party.Rule{Party: name, Op: map[string]string{"alpha": "pay", "beta": "trans"}[name], Kind: party.NextDay, Count: 1})
		day := r.standAt(1, 10, 0)
		final, _ := r.drive(name, "n1", 5_00)
		want(t, final, "PROCESSING")
		i := r.box.Idle(time.Second)
		want(t, fmt.Sprint(i.Idle, i.Later), "true 1") // the calendar need not wait for it
		next := r.standAt(2, 10, 0)
		want(t, len(r.callbacksOf("n1")), 1)
		want(t, r.journal(name)[0].SettledOn, next)
		r.standAt(3, 10, 0)
		want(t, len(r.good(name, day).lines), 0)
		want(t, len(r.good(name, next).lines), 1)
	})
}

func TestNothingIsHeardOfAnOrderUntilTheNextDay(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		order := map[string]string{"alpha": "pay", "beta": "trans"}[name]
		r.fault(party.Rule{Party: name, Op: order, Kind: party.LostResponse, Count: 1})
		r.fault(party.Rule{Party: name, Op: "callback", Kind: party.LostCallback, Count: 1})
		r.fault(party.Rule{Party: name, Op: "query", Kind: party.DarkQuery, RatePPM: 1_000_000, Times: 1000})
		day := r.standAt(1, 10, 0)
		r.send(name, "n1", "PAYOUT", 1, 5_00)
		state := func() any {
			if name == "alpha" {
				return r.query("n1")["status"]
			}
			return r.queryBeta("n1")["origRespCode"]
		}
		want(t, state(), map[string]string{"alpha": "PROCESSING", "beta": "05"}[name])
		r.standAt(2, 10, 0)
		want(t, state(), map[string]string{"alpha": "SUCCESS", "beta": "00"}[name])
		want(t, len(r.callbacksOf("n1")), 0)
		want(t, r.good(name, day).lines[0].requestNo, "n1")
	})
}

func TestNothingIsHeardOfAnOrderUntilItsStatementTells(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		r.fault(party.Rule{Party: name, Op: "query", Kind: party.DarkQuery, RatePPM: 1_000_000, Times: 1000, DelayMS: (40 * time.Hour).Milliseconds()})
		day := r.standAt(1, 10, 0)
		r.send(name, "n1", "PAYOUT", 1, 5_00)
		state := func() any {
			if name == "alpha" {
				return r.query("n1")["status"]
			}
			return r.queryBeta("n1")["origRespCode"]
		}
		r.standAt(2, 10, 0)
		want(t, state(), map[string]string{"alpha": "PROCESSING", "beta": "05"}[name])
		want(t, r.good(name, day).lines[0].requestNo, "n1")
		r.standAt(3, 2, 30)
		want(t, state(), map[string]string{"alpha": "SUCCESS", "beta": "00"}[name])
	})
}

func TestTheCalendarDoesNotWaitForACallbackThatComesDaysLate(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		r.fault(party.Rule{Party: name, Op: "callback", Kind: party.LateCallback, Count: 1, DelayMS: 1500})
		r.standAt(1, 10, 0)
		r.send(name, "n1", "PAYOUT", 1, 5_00)
		i := r.box.Idle(time.Minute)
		want(t, fmt.Sprint(i.Idle, i.Later), "true 1")
		for range 100 {
			if len(r.callbacksOf("n1")) > 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		want(t, len(r.callbacksOf("n1")), 1)
	})
}

func TestBetasDayEndsAtElevenInTheEvening(t *testing.T) {
	r := start(t)
	day := r.standAt(1, 22, 55)
	r.send("beta", "n1", "PAYOUT", 1, 1_00)
	r.send("alpha", "a1", "PAYOUT", 1, 1_00)
	r.standAt(1, 23, 1)
	r.send("beta", "n2", "PAYOUT", 1, 2_00)
	r.send("alpha", "a2", "PAYOUT", 1, 2_00)
	next := r.standAt(2, 12, 0)
	r.send("beta", "n3", "PAYOUT", 1, 3_00)
	want(t, r.queryBeta("n1")["settleDate"], strings.ReplaceAll(day, "-", ""))
	want(t, r.queryBeta("n2")["settleDate"], strings.ReplaceAll(next, "-", ""))
	if body := r.callbacksOf("n2")[0]; !strings.Contains(body, "settleDate="+strings.ReplaceAll(next, "-", "")) {
		t.Errorf("the callback settles it on another day: %s", body)
	}
	r.standAt(3, 9, 0)
	want(t, len(r.good("alpha", day).lines), 2)
	want(t, len(r.good("beta", day).lines), 1)
	file := r.good("beta", next)
	want(t, len(file.lines), 2)
	stamped := time.Now().In(clock.Shanghai).AddDate(0, 0, 1).Format("0102") + "2301"
	if !strings.Contains(file.raw[:607], " "+stamped) {
		t.Errorf("the first record is not stamped %s the evening before", stamped)
	}
}
