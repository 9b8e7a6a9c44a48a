package collection

// Step is a contact that the strategy plans on a day past due.
type Step struct {
	// DPD is the day past due on which it happens.
	DPD int
	// Channel is "in_app" or "sms", Template a key of notify's templates.
	Channel, Template string
}

// Strategy is a list of steps in order of days past due.
type Strategy []Step

// Default is the shipped strategy: early days in the app, then by SMS, ever further apart. It stays far below
// the legal counts, which the guard enforces all the same.
var Default = Strategy{
	{DPD: 1, Channel: "in_app", Template: "collection.reminder"},
	{DPD: 3, Channel: "sms", Template: "collection.reminder"},
	{DPD: 7, Channel: "sms", Template: "collection.reminder"},
	{DPD: 15, Channel: "sms", Template: "collection.firm"},
	{DPD: 31, Channel: "sms", Template: "collection.firm"},
	{DPD: 45, Channel: "in_app", Template: "collection.firm"},
	{DPD: 61, Channel: "sms", Template: "collection.firm"},
	{DPD: 91, Channel: "sms", Template: "collection.final"},
	{DPD: 121, Channel: "sms", Template: "collection.final"},
	{DPD: 151, Channel: "sms", Template: "collection.final"},
	{DPD: 181, Channel: "sms", Template: "collection.final"},
}

// Next answers the first step later than the last one done (done is its DPD; 0: none).
func (s Strategy) Next(done int) (Step, bool) {
	for _, step := range s {
		if step.DPD > done {
			return step, true
		}
	}
	return Step{}, false
}

// Due answers the latest step that is due at dpd and was not done: those before it are not made up for by a flood.
func (s Strategy) Due(done, dpd int) (Step, bool) {
	var due Step
	for _, step := range s {
		if step.DPD > done && step.DPD <= dpd {
			due = step
		}
	}
	return due, due.DPD > 0
}
