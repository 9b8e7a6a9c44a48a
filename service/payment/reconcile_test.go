package payment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	paymentv1 "github.com/hengdai/hengdai/api/payment/v1"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
	"github.com/hengdai/hengdai/service/payment"
)

// standAt moves the clock to a time of day in China, so many days from the real today, and answers the date.
func (r *rig) standAt(days, hour, minute int) string {
	r.t.Helper()
	y, m, d := time.Now().In(clock.Shanghai).Date()
	at := time.Date(y, m, d+days, hour, minute, 0, 0, clock.Shanghai)
	if ahead := at.Sub(r.clk.Now()); ahead > 0 {
		r.offset.Advance(ahead)
	}
	r.db.Wake()
	return at.Format(time.DateOnly)
}

// awaitDay waits until a settlement date of a channel is in one of the states.
func (r *rig) awaitDay(channel, on string, states ...string) *paymentv1.GetReconciliationResponse {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, err := r.staff(9, "finance").GetReconciliation(context.Background(), &paymentv1.GetReconciliationRequest{Channel: channel, SettledOn: on})
		if err == nil && slices.Contains(states, got.GetDay().GetState()) {
			return got
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s of %s is %v (%v), wanted %v", on, channel, got, err, states)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// truth is what the sandbox says that a reconciliation must find.
type truth struct {
	Party     string `json:"party"`
	Day       string `json:"day"`
	Kind      string `json:"kind"`
	Finding   string `json:"finding"`
	ChannelNo string `json:"channel_no"`
	RequestNo string `json:"request_no"`
	Healed    bool   `json:"healed"`
}

func (r *rig) truths() (list []truth) {
	r.t.Helper()
	res, err := http.Get(r.box + "/control/breaks")
	r.must(err)
	var got struct {
		Breaks []truth `json:"breaks"`
	}
	err = json.NewDecoder(res.Body).Decode(&got)
	_ = res.Body.Close()
	r.must(err)
	return got.Breaks
}

// differences are what reconciliation holds open at a channel up to a day.
func (r *rig) differences(channel, on string) []*paymentv1.Difference {
	r.t.Helper()
	return slices.DeleteFunc(r.awaitDay(channel, on, "CLOSED").GetDifferences(), func(d *paymentv1.Difference) bool { return d.GetState() == "CLOSED" })
}

func (r *rig) breaks() []*paymentv1.Break {
	r.t.Helper()
	res, err := r.staff(9, "finance").ListBreaks(context.Background(), &paymentv1.ListBreaksRequest{PageSize: 200})
	r.must(err)
	return res.GetBreaks()
}

// ties checks what every closed day promises: its figures agree, and the bank is where the journal has it.
func (r *rig) ties(channels []string, days ...string) {
	r.t.Helper()
	bank := int64(0)
	for _, channel := range channels {
		first := int64(0)
		for i, on := range days {
			got := r.awaitDay(channel, on, "CLOSED")
			f := got.GetFigures()[len(got.GetFigures())-1]
			if !f.GetTies() || f.GetOpeningMinor()+f.GetMovedMinor()-f.GetSettledMinor() != f.GetClosingMinor() {
				r.t.Errorf("%s of %s does not tie: %v", on, channel, f)
			}
			if i == 0 {
				first = got.GetDay().GetBankOpeningMinor()
			}
			if i == len(days)-1 {
				bank += got.GetDay().GetBankClosingMinor() - first
			}
		}
	}
	if got := r.balance("1002"); got != bank {
		r.t.Errorf("1002 holds %d, the bank moved by %d", got, bank)
	}
}

func TestADayOfPaymentsIsSettledByItsFilesAndClosed(t *testing.T) {
	each(t, func(t *testing.T, cfg store.Config) {
		r := start(t, cfg, func(d *payment.Deps) { d.Channels[1].MaxMinor, d.Channels[0].MinMinor = 500_00, 500_01 })
		today := r.standAt(1, 12, 0)
		sum := map[string]int64{}
		for n := 1; n <= 12; n++ {
			kind, amount := []string{"debit", "disbursement", "repayment", "refund"}[n%4], []int64{400_00, 600_00}[n%3%2]
			r.await(r.create(r.request(n, kind, amount)).GetOrderId(), "PAID")
			side := map[string]int64{"debit": 1, "repayment": 1}[kind]*2 - 1
			sum[[]string{"beta", "alpha"}[n%3%2]] += side * amount
		}
		if r.balance("3001.alpha") != sum["alpha"] || r.balance("3001.beta") != sum["beta"] {
			t.Fatalf("in transit before any file: %d and %d, wanted %v", r.balance("3001.alpha"), r.balance("3001.beta"), sum)
		}
		r.standAt(2, 9, 29)
		for _, channel := range []string{"alpha", "beta"} {
			_, err := r.staff(9, "finance").GetReconciliation(context.Background(), &paymentv1.GetReconciliationRequest{Channel: channel, SettledOn: today})
			if errs.CodeOf(err) != errs.NotFound {
				t.Errorf("before half past nine %s: %v", channel, err)
			}
		}
		r.standAt(2, 9, 31)
		lines := int64(0)
		for _, channel := range []string{"alpha", "beta"} {
			got := r.awaitDay(channel, today, "CLOSED")
			lines += got.GetDay().GetLines()
			if n := len(got.GetClasses()); n != 1 || got.GetClasses()[0].GetClass() != "MATCH" || len(got.GetDifferences()) != 0 || len(got.GetFiles()) != 1 {
				t.Errorf("%s: %v", channel, got)
			}
			f := got.GetFigures()[0]
			if f.GetOpeningMinor() != 0 || f.GetMovedMinor() != sum[channel] || f.GetSettledMinor() != sum[channel] || f.GetClosingMinor() != 0 || f.GetLaterMinor() != 0 {
				t.Errorf("%s: figures %v", channel, f)
			}
		}
		if lines != 12 || r.balance("3001") != 0 {
			t.Errorf("%d lines, %d left in transit", lines, r.balance("3001"))
		}
		next := r.standAt(2, 12, 0)
		r.standAt(4, 10, 0)
		empty := r.awaitDay("alpha", next, "CLOSED")
		if empty.GetDay().GetLines() != 0 || empty.GetDay().GetAsks() != 1 {
			t.Errorf("a day without payments: %v", empty)
		}
		r.ties([]string{"alpha", "beta"}, today, next)
		if r.balance("6421")+r.balance("1002") != sum["alpha"]+sum["beta"] {
			t.Errorf("fees are %d, the bank %d", r.balance("6421"), r.balance("1002"))
		}
		if n := len(r.breaks()); n != 0 {
			t.Errorf("%d breaks were invented", n)
		}
		list, err := r.staff(9, "auditor").ListReconciliations(context.Background(), &paymentv1.ListReconciliationsRequest{PageSize: 2})
		r.must(err)
		rest, err := r.staff(9, "auditor").ListReconciliations(context.Background(), &paymentv1.ListReconciliationsRequest{PageToken: list.GetNextPageToken()})
		r.must(err)
		if len(list.GetDays()) != 2 || len(list.GetExpected()) != 2 || len(rest.GetDays()) < 2 || rest.GetNextPageToken() != "" {
			t.Errorf("listed: %v, then %v", list, rest)
		}
	})
}

func TestEveryFaultOfALineIsReportedOnceAndNoneInvented(t *testing.T) {
	kinds := []string{"line_missing", "line_twice", "line_amount", "line_fee", "line_shifted", "line_unknown", "line_status", "line_failed"}
	for _, name := range []string{"alpha", "beta"} {
		for _, kind := range kinds {
			if kind == "line_failed" && name == "beta" {
				continue // its file has no status
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				r := start(t, storetest.SQLite(t), only(name))
				r.control("/control/faults", map[string]any{"party": name, "kind": kind, "count": 2})
				var days []string
				for d := 1; d <= 3; d++ {
					days = append(days, r.standAt(d, 12, 0))
					for n := range 3 {
						r.await(r.create(r.request(d*3+n, []string{"debit", "disbursement", "debit"}[n], int64(100_00+n))).GetOrderId(), "PAID")
					}
					r.await(r.create(r.request(d, "debit", 2*rich)).GetOrderId(), "REJECTED")
				}
				days = append(days, r.standAt(4, 12, 0))
				r.standAt(5, 10, 0)
				r.ties([]string{name}, days...)
				var want, got []string
				for _, b := range r.truths() {
					if b.Finding != "MATCH" {
						want = append(want, b.Day+" "+b.Finding+" "+b.ChannelNo)
					}
				}
				for _, d := range r.differences(name, days[3]) {
					got = append(got, d.GetSettledOn()+" "+d.GetClass()+" "+d.GetChannelNo())
					if d.GetState() != "BREAK" || d.GetBreakId() == 0 || len(d.GetRemedies()) == 0 || d.GetAgeDays() < 1 {
						t.Errorf("%v", d)
					}
				}
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(want, got) || len(r.breaks()) != len(want) {
					t.Errorf("injected\n%v\nfound\n%v\nand %d breaks", want, got, len(r.breaks()))
				}
				if (kind == "line_shifted") != (len(want) == 0) {
					t.Errorf("%d differences were injected", len(want))
				}
			})
		}
	}
}

func TestWhatHappensAtTheChannelAloneIsFoundInItsFile(t *testing.T) {
	for _, name := range []string{"alpha", "beta"} {
		t.Run(name, func(t *testing.T) {
			r := start(t, storetest.SQLite(t), only(name))
			r.setDeaf(false)
			day := r.standAt(1, 12, 0)
			out := r.await(r.create(r.request(1, "disbursement", 100_00)).GetOrderId(), "PAID")
			in := r.await(r.create(r.request(2, "debit", 100_00)).GetOrderId(), "PAID")
			r.setDeaf(true) // what the channel tells of a return is lost
			r.control("/control/return", map[string]any{"party": name, "merchant_id": "M1", "request_no": out.GetAttempts()[0].GetRequestNo()})
			r.control("/control/chargeback", map[string]any{"party": name, "merchant_id": "M1", "request_no": in.GetAttempts()[0].GetRequestNo()})
			r.control("/control/receipt", map[string]any{"party": name, "merchant_id": "M1", "amount_minor": 77_00})
			r.standAt(2, 10, 0)
			r.ties([]string{name}, day)
			found := map[string]int{}
			for _, d := range r.differences(name, day) {
				found[d.GetClass()+" "+d.GetKind()+" "+d.GetState()]++
			}
			want := map[string]int{"LATE_RETURN RETURN BREAK": 1, "LATE_RETURN CHARGEBACK BREAK": 1, "CHANNEL_ONLY COLLECT WAITING": 1}
			if !maps.Equal(found, want) {
				t.Fatalf("found %v", found)
			}
			r.standAt(3, 10, 0)
			next := r.standAt(2, 12, 0)
			r.awaitDay(name, next, "CLOSED")
			for _, d := range r.differences(name, next) {
				remedy := map[string]string{"RETURN": "TAKE_BACK", "CHARGEBACK": "TAKE_BACK", "COLLECT": "UNIDENTIFY"}[d.GetKind()]
				r.remedy(d.GetBreakId(), remedy)
			}
			r.await(out.GetOrderId(), "RETURNED")
			r.await(in.GetOrderId(), "RETURNED")
			if a, b, c := r.balance("3001"), r.balance("2290"), r.balance("2241.unid"); a != 0 || b != 0 || c != -77_00 {
				t.Errorf("in transit %d, clearing %d, unidentified %d", a, b, c)
			}
			last := r.standAt(3, 12, 0)
			r.standAt(4, 10, 0)
			r.ties([]string{name}, day, next, last)
			if n := len(r.differences(name, last)) + len(r.breaks()); n != 0 {
				t.Errorf("%d differences and breaks are left", n)
			}
		})
	}
}

// remedy has two people end a break.
func (r *rig) remedy(breakID int64, remedy string) {
	r.t.Helper()
	ctx := context.Background()
	p, err := r.staff(101, "finance").ProposeBreakClosure(ctx, &paymentv1.ProposeBreakClosureRequest{
		BreakId: breakID, Finding: "the channel was asked and has confirmed it", Remedy: remedy, IdempotencyKey: fmt.Sprintf("remedy-%d-%s", breakID, remedy),
	})
	r.must(err)
	if _, err := r.staff(101, "finance").Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true}); errs.CodeOf(err) != errs.Denied {
		r.t.Errorf("one person alone: %v", err)
	}
	_, err = r.staff(102, "finance").Decide(ctx, &paymentv1.DecideRequest{ProposalId: p.GetProposalId(), Approve: true})
	r.must(err)
}

func TestABadOrLateFileKeepsTheDayOpenUntilARightOneComes(t *testing.T) {
	for kind, first := range map[string]string{
		"file_hash": "REFUSED", "file_cut": "REFUSED", "file_totals": "REFUSED", "file_width": "REFUSED", "file_late": "LATE", "file_missing": "LATE",
	} {
		for _, name := range []string{"alpha", "beta"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				r := start(t, storetest.SQLite(t), only(name))
				day := r.standAt(1, 12, 0)
				r.control("/control/faults", map[string]any{"party": name, "kind": kind, "count": 1, "day": day})
				r.await(r.create(r.request(1, "disbursement", 100_00)).GetOrderId(), "PAID")
				r.standAt(2, 10, 0)
				got := r.awaitDay(name, day, first)
				if r.balance("1002") != 0 || r.balance("3001") != -100_00 || (first == "REFUSED") != (len(got.GetFiles()) == 1) {
					t.Errorf("a file that is not believed: %v", got)
				}
				next := r.standAt(2, 12, 0)
				r.await(r.create(r.request(2, "debit", 50_00)).GetOrderId(), "PAID")
				r.standAt(3, 9, 45)
				if s := r.awaitDay(name, next, "RECONCILED", "CLOSED").GetDay(); s.GetState() != "RECONCILED" || s.GetReason() != "before" {
					t.Errorf("the next day does not wait for the one before: %v", s)
				}
				r.control("/control/reissue", map[string]any{"party": name, "merchant_id": "M1", "day": day})
				res, err := r.staff(9, "operator").FetchStatement(context.Background(), &paymentv1.FetchStatementRequest{Channel: name, SettledOn: day})
				r.must(err)
				if res.GetState() != "CLOSED" {
					t.Errorf("fetched: %v", res)
				}
				r.ties([]string{name}, day, next)
				if n := len(r.breaks()); n != 0 || r.balance("3001") != 0 {
					t.Errorf("%d breaks, %d in transit", n, r.balance("3001"))
				}
			})
		}
	}
}

func TestAReissuedFileChangesWhatItChangesAndNothingElse(t *testing.T) {
	for _, name := range []string{"alpha", "beta"} {
		for _, kind := range []string{"line_missing", "line_twice", "line_amount", "line_fee", "line_unknown", "file_reissued"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				r := start(t, storetest.SQLite(t), only(name))
				day := r.standAt(1, 12, 0)
				r.control("/control/faults", map[string]any{"party": name, "kind": kind, "count": 1, "day": day, "delay_ms": 40 * 3_600_000})
				for n := range 4 {
					r.await(r.create(r.request(n+1, []string{"debit", "disbursement"}[n%2], 100_00)).GetOrderId(), "PAID")
				}
				next := r.standAt(2, 12, 0)
				r.awaitDay(name, day, "CLOSED")
				r.standAt(3, 9, 45)
				r.awaitDay(name, next, "CLOSED", "RECONCILED")
				if n := len(r.breaks()); n != 1 {
					t.Errorf("%d breaks for the wrong file", n)
				}
				if kind == "file_reissued" {
					r.standAt(4, 10, 0)
				} else {
					r.control("/control/reissue", map[string]any{"party": name, "merchant_id": "M1", "day": day, "lines": true})
				}
				_, err := r.staff(9, "operator").FetchStatement(context.Background(), &paymentv1.FetchStatementRequest{Channel: name, SettledOn: day})
				r.must(err)
				r.standAt(4, 12, 0)
				r.ties([]string{name}, day, next)
				got := r.awaitDay(name, day, "CLOSED")
				if got.GetDay().GetFileVersion() != 2 || len(got.GetFiles()) != 2 || r.balance("3001") != 0 || len(r.breaks()) != 0 {
					t.Errorf("in transit %d, breaks %v, day %v", r.balance("3001"), r.breaks(), got)
				}
				for _, d := range got.GetDifferences() {
					if d.GetState() != "CLOSED" || (d.GetOutcome() != "WITHDRAWN" && d.GetOutcome() != "CAME") {
						t.Errorf("left: %v", d)
					}
				}
			})
		}
	}
}
