package job

import (
	"context"
	"time"
)

// Step does one portion of work. more says that it did something and that there may be more to do at once.
type Step = func(ctx context.Context) (more bool, err error)

// Job is a step with a name that is unique in its database.
type Job struct {
	Name string
	Step Step
	// Every is how long an idle job sleeps if no commit wakes it; 0 means one second.
	Every time.Duration
	// Wakes says what wakes an idle job before its time; the zero value is every commit.
	Wakes Wakes
	// Follows marks a step that itself waits for work, as Patience allows, and so is run again without a pause.
	Follows bool
}

// Wakes is what wakes an idle job.
type Wakes uint8

const (
	// OnCommit is every commit that changed something, and everything that OnTime is.
	OnCommit Wakes = iota
	// OnTime is a call of DB.Wake: the business clock was moved, or a retry has fallen due. It is for work that only the
	// passing of time makes.
	OnTime
	// Never is for work that only real time makes.
	Never
)

type patienceKey struct{}

// Patience is how long a step may wait for work to come: zero unless a Runner runs it as a job that Follows.
func Patience(ctx context.Context) time.Duration {
	d, _ := ctx.Value(patienceKey{}).(time.Duration)
	return d
}
