package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hengdai/hengdai/sandbox/party"
)

func (r *rig) get(path string) (status int, body string) {
	r.t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestThePageListsStatementsAndGivesThemOut(t *testing.T) {
	r := start(t)
	var days []string
	for d := range 4 {
		days = append(days, r.standAt(d+1, 10, 0))
		for i, name := range []string{"alpha", "beta"} {
			r.send(name, fmt.Sprint("p", d), "PAYOUT", 1+i, 1_250_00)
			r.send(name, fmt.Sprint("c", d), "COLLECT", 3+i, 318_42)
		}
	}
	r.fault(party.Rule{Party: "alpha", Kind: party.LineAmount, Count: 1})
	r.fault(party.Rule{Party: "beta", Kind: party.FileMissing, Count: 1, Day: days[1]})
	r.control("POST", "/control/return", map[string]any{"party": "alpha", "merchant_id": "M1", "request_no": "p3"}, nil)
	r.standAt(5, 8, 0)
	for _, day := range days[:3] {
		r.statement("beta", day, 0)
	}
	r.good("alpha", days[1])
	_, page := r.get("/statements?lang=en")
	for _, part := range []string{`day=` + days[0] + `&amp;version=1`, "ask for it", "not yet due", "file_missing", "line_amount", "AMOUNT", "9999999066.82"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page does not show %q", part)
		}
	}
	if _, zh := r.get("/statements?lang=zh"); !strings.Contains(zh, "对账文件") || strings.Contains(zh, "Statements") {
		t.Error("the page is not in Chinese")
	}
	status, file := r.get("/statements/file?party=beta&merchant_id=M1&day=" + days[0])
	want(t, fmt.Sprint(status, file == r.good("beta", days[0]).raw), "200 true")
	for path, code := range map[string]int{"party=gamma&merchant_id=M1&day=" + days[0]: 400, "party=beta&merchant_id=M1&day=1": 400,
		"party=beta&merchant_id=M1&day=" + days[1]: 404, "party=beta&merchant_id=M1&day=" + days[3]: 404} {
		status, _ := r.get("/statements/file?" + path)
		want(t, status, code)
	}
	r.picture(t)
}

// picture takes one if somebody asks for it.
func (r *rig) picture(t *testing.T) {
	dir := os.Getenv("SANDBOX_TEST_PICTURES")
	if dir == "" {
		return
	}
	for lang, size := range map[string]string{"zh": "1280,1000", "en": "390,900"} {
		out, err := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size="+size,
			"--screenshot="+filepath.Join(dir, "statements-"+lang+".png"), r.url+"/statements?lang="+lang).CombinedOutput()
		if err != nil {
			t.Logf("no picture: %v %s", err, out)
		}
	}
}
