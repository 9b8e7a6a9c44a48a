package waterfall_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/kit/telemetry/waterfall"
)

var began = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func span(trace, id, parent, service, name string, from, to int, links ...string) telemetry.Span {
	return telemetry.Span{
		Trace: trace, ID: id, Parent: parent, Service: service, Name: name, Kind: "server", Links: links,
		Start: began.Add(time.Duration(from) * time.Millisecond), End: began.Add(time.Duration(to) * time.Millisecond),
	}
}

func journey() []telemetry.Span {
	edge := span("t1", "a", "", "gateway", "gateway", 0, 10)
	edge.Attributes = map[string]any{"hengdai.method": "loan.v1.Public/Sign", "http.response.status_code": 200.0}
	late := span("t1", "d", "b", "loan", "take <x>", 70, 80)
	late.Failed, late.Attributes = true, map[string]any{telemetry.BecomesKey: "REPAYING"}
	return []telemetry.Span{
		late, span("t1", "c", "a", "payment", "callback", 60, 61, "t2"), span("t1", "b", "a", "loan", "commit", 2, 9), edge,
		span("t2", "e", "", "gateway", "message", 59, 62, "t1"), span("t3", "f", "lost", "user", "alone", 500, 501),
	}
}

func TestATraceIsATreeWithTheTracesItLinksTo(t *testing.T) {
	var out bytes.Buffer
	if err := waterfall.Text(&out, waterfall.Rows(journey(), "t1")); err != nil {
		t.Fatal(err)
	}
	want := `     +0us    10.0ms   gateway    loan.v1.Public/Sign  (status_code=200)
   +2.0ms     7.0ms   loan         commit
  +70.0ms    10.0ms ! loan           take <x> → REPAYING
  +59.0ms     3.0ms ~ gateway      message
  +60.0ms     1.0ms   payment      callback
`
	if out.String() != want {
		t.Errorf("drawn as\n%s", out.String())
	}
	if rows := waterfall.Rows(journey(), "t3"); len(rows) != 1 || rows[0].Depth != 0 {
		t.Errorf("a span whose parent was not kept is drawn as %+v", rows)
	}
}

func TestTheListSaysWhatEachTraceIs(t *testing.T) {
	list := waterfall.List(journey())
	if len(list) != 3 || list[0].Name != "loan.v1.Public/Sign" || list[0].Took != 80*time.Millisecond || !list[0].Failed || list[0].Spans != 4 ||
		strings.Join(list[0].Services, " ") != "gateway loan payment" || list[2].ID != "t3" {
		t.Errorf("listed as %+v", list)
	}
}

func TestThePictureIsXMLWithABarForEachSpan(t *testing.T) {
	var out bytes.Buffer
	if err := waterfall.SVG(&out, "a <title>", waterfall.Rows(journey(), "t1")); err != nil {
		t.Fatal(err)
	}
	bars := 0
	for d := xml.NewDecoder(&out); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "title" {
			bars++
		}
	}
	if bars != 5 {
		t.Errorf("%d bars", bars)
	}
}

func TestSpansThatNameEachOtherAsParentsEnd(t *testing.T) {
	circle := []telemetry.Span{span("t", "a", "b", "x", "a", 0, 1, "t"), span("t", "b", "a", "x", "b", 0, 1)}
	if rows := waterfall.Rows(circle, "t"); len(rows) > 2 {
		t.Errorf("drawn as %+v", rows)
	}
	if err := waterfall.SVG(io.Discard, "none", nil); err != nil {
		t.Error(err)
	}
}
