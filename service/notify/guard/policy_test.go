package guard

import (
	"testing"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/legal"
)

func TestTheStricterOfLawAndPolicyHolds(t *testing.T) {
	day := calendar.Of(2026, 11, 20)
	lawsTries, err := legal.Value(legal.TriesPerNumber, legal.Any, day)
	if err != nil {
		t.Fatal(err)
	}
	lawsMessages, err := legal.Value(legal.MessagesPerDay, legal.Any, day)
	if err != nil {
		t.Fatal(err)
	}
	quiet := []policyRow{{Name: "quiet_from", Value: 22}, {Name: "quiet_until", Value: 8}}
	for name, c := range map[string]struct {
		rows            []policyRow
		tries, messages int64
	}{
		"no policy":         {quiet, lawsTries, lawsMessages},
		"a laxer policy":    {append(quiet, policyRow{Name: "tries_on_number", Value: 99}, policyRow{Name: "messages_a_day", Value: 99}), lawsTries, lawsMessages},
		"a stricter policy": {append(quiet, policyRow{Name: "tries_on_number", Value: 1}, policyRow{Name: "messages_a_day", Value: 0}), 1, 0},
	} {
		l, err := (&Policy{rows: c.rows}).On(day)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if l.TriesOnNumber != c.tries || l.Messages != c.messages {
			t.Errorf("%s: %d tries, %d messages", name, l.TriesOnNumber, l.Messages)
		}
	}
}
