package acceptance

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	notifyv1 "github.com/hengdai/hengdai/api/notify/v1"
	"github.com/hengdai/hengdai/api/notify/v1/notifyv1connect"
	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/api/risk/v1/riskv1connect"
)

// theDecision: what was decided can be opened with all it was decided from, and decided again with the same result; a
// message shows whom it went to, masked. Both need the vault's leave.
func theDecision(t *testing.T, w *world) {
	b := w.borrower(t)
	app := b.apply(t, b.wish(500_000, 6))
	analyst := w.hired(t, "risk_analyst")
	risk := riskv1connect.NewStaffClient(analyst.http, analyst.base)
	list, err := risk.ListDecisions(t.Context(), &riskv1.ListDecisionsRequest{ApplicationId: app.GetApplicationId()})
	if err != nil || len(list.GetDecisions()) != 1 {
		t.Fatalf("decisions: %v, %v", list, err)
	}
	decisionID := list.GetDecisions()[0].GetDecision().GetDecisionId()
	file, err := risk.OpenDecision(t.Context(), &riskv1.OpenDecisionRequest{DecisionId: decisionID, Reason: "the applicant asks why"})
	if err != nil || file.GetErased() != "" || len(file.GetInputs()) == 0 || len(file.GetPath()) == 0 {
		t.Errorf("opened: %v, %v", file, err)
	}
	again, err := risk.ReplayDecision(t.Context(), &riskv1.ReplayDecisionRequest{DecisionId: decisionID, Reason: "the yearly check"})
	if err != nil || again.GetResult() != "equal" {
		t.Errorf("decided again: %v, %v", again, err)
	}
	desk := w.hired(t, "service_desk")
	messages := notifyv1connect.NewStaffClient(desk.http, desk.base)
	var shown *notifyv1.GetMessageResponse
	eventually(t, "no message went to the borrower's phone", 30*time.Second, func() (bool, error) {
		sent, err := messages.ListMessages(t.Context(), &notifyv1.StaffListMessagesRequest{UserId: b.id, Channel: "sms"})
		if err != nil || len(sent.GetMessages()) == 0 {
			return false, err
		}
		shown, err = messages.GetMessage(t.Context(), &notifyv1.GetMessageRequest{MessageId: sent.GetMessages()[0].GetMessageId()})
		return err == nil, err
	})
	if masked := shown.GetMaskedAddress(); masked == "" || masked == b.Mobile {
		t.Errorf("the message went to %s", fmt.Sprintf("%.2s...", masked))
	}
}

// theParked: the operator asks every service that follows a log what waits for a person, and has it tried again.
func theParked(t *testing.T, w *world) {
	desk, auditor := w.hired(t, "operator"), w.hired(t, "auditor")
	for _, part := range []string{"loans", "collection", "payment", "notify", "report"} {
		path := "/v1/staff/" + part + "/parked"
		if got := auditor.rest(t, looks(path)); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if got := desk.rest(t, asks(path+"/retry", `{"bucket": 1023}`)); got.status != http.StatusOK {
			t.Errorf("%s/retry: %d %s", path, got.status, got.body)
		}
		w.refuse(t, refusal{"a retry by an auditor", auditor.phone, asks(path+"/retry", `{"bucket": 1}`), notAllowed, "rpc.not_allowed", ""},
			refusal{"a bucket that does not exist", desk.phone, asks(path+"/retry", `{"bucket": 1024}`), bad, "request.out_of_range", "bucket"})
	}
}
