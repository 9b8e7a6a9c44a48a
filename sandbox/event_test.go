package sandbox_test

import (
	"strings"
	"testing"

	"github.com/hengdai/hengdai/sandbox/channel"
	"github.com/hengdai/hengdai/sandbox/party"
)

func TestMoneyOutComesBackAndIsSeenEverywhere(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		day := r.standAt(1, 10, 0)
		r.send(name, "n1", "PAYOUT", 1, 50_00)
		p := r.person(1, 0)
		var e party.Entry
		r.control("POST", "/control/faults", party.Rule{Party: "alpha", Op: "callback", Kind: party.TwiceCallback, Count: 1}, nil)
		want(t, r.control("POST", "/control/return", map[string]any{"party": name, "merchant_id": "M1", "request_no": "n1"}, &e), 200)
		want(t, e.Kind+e.RequestNo, "RETURNn1")
		want(t, r.balance(p), 100_000_00)
		// It comes back once.
		want(t, r.control("POST", "/control/return", map[string]any{"party": name, "channel_no": e.OriginalNo}, nil), 409)
		want(t, r.control("POST", "/control/return", map[string]any{"party": name, "channel_no": "none"}, nil), 404)
		told := 0
		for _, body := range r.callbacksOf("n1") {
			if strings.Contains(body, "RETURNED") {
				told++
			}
		}
		if name == "alpha" {
			q := r.query("n1")
			want(t, q["status"], "RETURNED")
			want(t, q["channel_no"], e.OriginalNo)
			want(t, told, 2)
		} else {
			q := r.queryBeta("n1")
			want(t, q["origRespCode"]+q["returnDate"]+q["returnQueryId"], "00"+strings.ReplaceAll(day, "-", "")+e.ChannelNo)
			want(t, told, 0)
		}
		r.standAt(2, 9, 0)
		file := r.good(name, day)
		want(t, file.lines[1], line{"RETURN", "n1", e.ChannelNo, e.OriginalNo, "SUCCESS", 50_00, 0})
		want(t, file.closing-file.opening, -file.fees)
		want(t, r.kinds(), "returned "+map[string]string{"alpha": "MATCH", "beta": "LATE_RETURN"}[name])
	})
}

func TestACollectionIsChargedBackWithoutACallback(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		day := r.standAt(1, 10, 0)
		r.send(name, "n1", "COLLECT", 1, 50_00)
		want(t, r.control("POST", "/control/return", map[string]any{"party": name, "merchant_id": "M1", "request_no": "n1"}, nil), 409)
		var e party.Entry
		later := r.standAt(2, 10, 0)
		want(t, r.control("POST", "/control/chargeback", map[string]any{"party": name, "merchant_id": "M1", "request_no": "n1"}, &e), 200)
		want(t, r.balance(r.person(1, 0)), 100_000_00)
		want(t, len(r.callbacksOf("n1")), 1)
		if name == "alpha" {
			want(t, r.query("n1")["status"], "CHARGED_BACK")
		} else {
			want(t, r.queryBeta("n1")["chargebackDate"], strings.ReplaceAll(later, "-", ""))
		}
		r.standAt(3, 10, 0)
		first, second := r.good(name, day), r.good(name, later)
		want(t, len(first.lines), 1)
		want(t, second.lines, []line{{"CHARGEBACK", "n1", e.ChannelNo, first.lines[0].channelNo, "SUCCESS", 50_00, 0}})
		want(t, second.closing, first.closing-50_00)
		want(t, r.kinds(), "chargeback LATE_RETURN")
	})
}

func TestMoneyArrivesThatNobodyOrdered(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		r := start(t)
		day := r.standAt(1, 10, 0)
		p := r.person(1, 80_00)
		receipt := map[string]any{"party": name, "merchant_id": "M1", "card_no": p.Cards[0].CardNo, "amount_minor": 30_00}
		want(t, r.control("POST", "/control/receipt", receipt, nil), 200)
		want(t, r.control("POST", "/control/receipt", receipt, nil), 200)
		want(t, r.control("POST", "/control/receipt", receipt, nil), 409) // the card has no more
		want(t, r.balance(p), 20_00)
		r.standAt(2, 9, 0)
		file := r.good(name, day)
		want(t, len(file.lines), 2)
		want(t, file.lines[0].kind+file.lines[0].requestNo, "COLLECT")
		if file.lines[0].channelNo == file.lines[1].channelNo {
			t.Error("two receipts share a number")
		}
		want(t, r.kinds(), "unidentified CHANNEL_ONLY unidentified CHANNEL_ONLY")
		want(t, r.control("POST", "/control/receipt", map[string]any{"party": "gamma", "merchant_id": "M1", "amount_minor": 1}, nil), 400)
	})
}

func (r *rig) breaks() []channel.Break {
	r.t.Helper()
	var list struct{ Breaks []channel.Break }
	if status := r.control("GET", "/control/breaks", nil, &list); status != 200 {
		r.t.Fatalf("the breaks are answered %d", status)
	}
	return list.Breaks
}

// kinds are the breaks' kinds and findings in one line.
func (r *rig) kinds() string {
	var words []string
	for _, b := range r.breaks() {
		words = append(words, b.Kind, b.Finding)
	}
	return strings.Join(words, " ")
}
