package guard

import (
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
)

// Medium is how somebody is contacted.
type Medium string

// The media.
const (
	Call  Medium = "call"
	Visit Medium = "visit"
	SMS   Medium = "sms"
	InApp Medium = "in_app"
)

// Reason is why not.
type Reason string

// The reasons.
const (
	OutsideHours  Reason = "outside_hours"
	DailyLimit    Reason = "daily_limit"
	TriesOnNumber Reason = "tries_on_number"
	Stopped       Reason = "stopped"
	QuietHours    Reason = "quiet_hours"
)

// Verdict is the guard's word.
type Verdict struct {
	Allowed bool
	Reason  Reason
	// NotBefore is when it is worth asking again; zero: while the stop holds there is no such time.
	NotBefore time.Time
}

// Day is what was done on the day so far. A call is open until its outcome is known and counts as effective until then.
type Day struct {
	CallsOpen, CallsEffective int64
	// TriesOnNumber were made on the number that is to be called.
	TriesOnNumber int64
	Messages      int64
}

// Stop is a time without contact. A zero Until means until it is lifted, a zero Lifted that it was not.
type Stop struct {
	From, Until, Lifted time.Time
}

func (s Stop) holds(at time.Time) bool {
	return !at.Before(s.From) && (s.Until.IsZero() || at.Before(s.Until)) && (s.Lifted.IsZero() || at.Before(s.Lifted))
}

// Contact judges one contact for collection.
func Contact(at time.Time, by Medium, l Limits, d Day, stops []Stop) Verdict {
	if v, stopped := judgeStops(at, stops); stopped {
		return v
	}
	if opens, closed := outside(at, l.FromHour, l.UntilHour); closed {
		return Verdict{Reason: OutsideHours, NotBefore: opens}
	}
	tomorrow := atHour(calendar.InShanghai(at)+1, l.FromHour)
	switch by {
	case Call, Visit:
		if d.CallsOpen+d.CallsEffective >= l.Calls {
			return Verdict{Reason: DailyLimit, NotBefore: tomorrow}
		}
		if by == Call && d.TriesOnNumber >= l.TriesOnNumber {
			return Verdict{Reason: TriesOnNumber, NotBefore: tomorrow}
		}
	case SMS, InApp:
		if d.Messages >= l.Messages {
			return Verdict{Reason: DailyLimit, NotBefore: tomorrow}
		}
	}
	return Verdict{Allowed: true}
}

// judgeStops: every stop that holds must have ended.
func judgeStops(at time.Time, stops []Stop) (Verdict, bool) {
	v := Verdict{Reason: Stopped}
	held, endless := false, false
	for _, s := range stops {
		if !s.holds(at) {
			continue
		}
		held = true
		if s.Until.IsZero() {
			endless = true
		} else if s.Until.After(v.NotBefore) {
			v.NotBefore = s.Until
		}
	}
	if endless {
		v.NotBefore = time.Time{}
	}
	return v, held
}

// Notice judges a message that is not urgent.
func Notice(at time.Time, l Limits) Verdict {
	if opens, closed := outside(at, l.QuietUntil, l.QuietFrom); closed {
		return Verdict{Reason: QuietHours, NotBefore: opens}
	}
	return Verdict{Allowed: true}
}

// outside says whether an instant lies outside the hours [from, until) of its day in Shanghai, and when they next begin.
func outside(at time.Time, from, until int64) (opens time.Time, closed bool) {
	day := calendar.InShanghai(at)
	first, last := atHour(day, from), atHour(day, until)
	switch {
	case at.Before(first):
		return first, true
	case !at.Before(last):
		return atHour(day+1, from), true
	}
	return time.Time{}, false
}

func atHour(day calendar.Date, hour int64) time.Time {
	return day.Midnight().Add(time.Duration(hour) * time.Hour)
}

// Stops reports whether a stop holds at an instant.
func Stops(at time.Time, stops []Stop) bool {
	_, stopped := judgeStops(at, stops)
	return stopped
}
