package kill

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/sim/world"
)

// huntFor is how long a service is hunted for an open transaction before it is killed as it stands.
const huntFor = 3 * time.Second

// What a killed service was doing, as it was seen while it stood still before the kill.
const (
	atAnyMoment   = "at a moment of the seed"
	noTransaction = "hunted, no transaction met"
	statements    = "transaction open, nothing of it in the log yet"
	someFrames    = "transaction open, pages in the log without their commit"
	unpublishedOK = "commit in the log, not yet told to anybody"
	onServer      = "transaction open on the server, changed rows not committed"
)

// inCommit are those that fell between begin and the end of a commit.
var inCommit = []string{statements, someFrames, unpublishedOK, onServer}

// hunt stops the service again and again, each time for a moment, until a transaction of it is open, and leaves it
// standing still: the kill that follows falls into that transaction.
func hunt(ctx context.Context, w *world.World, service string, chance *rand.Rand) (string, error) {
	if service == "gateway" { // has no database
		return atAnyMoment, nil
	}
	for from := clock.Real(); clock.Since(from) < huntFor; {
		if err := w.Freeze(ctx, service); err != nil {
			return "", err
		}
		found, err := lookAt(ctx, w, service)
		if err != nil {
			return "", fmt.Errorf("looking at the transactions of %s: %w", service, err)
		}
		if found != "" {
			return found, nil
		}
		if err := w.Thaw(service); err != nil {
			return "", err
		}
		if err := clock.Sleep(ctx, time.Duration(200+chance.IntN(4000))*time.Microsecond); err != nil {
			return "", err
		}
	}
	return noTransaction, nil
}

// lookAt says in what transaction a service stands still; empty: in none.
func lookAt(ctx context.Context, w *world.World, service string) (string, error) {
	engine, source := w.Books(service)
	if engine == "mysql" {
		admin, user := w.Admin(service)
		open, err := openOnServer(ctx, admin, user)
		if err != nil || !open {
			return "", err
		}
		return onServer, nil
	}
	state, err := lookAtWAL(source)
	switch {
	case err != nil || !state.open:
		return "", err
	case state.whole:
		return unpublishedOK, nil
	case state.frames > 0:
		return someFrames, nil
	}
	return statements, nil
}

var changedRows = regexp.MustCompile(`undo log entries [1-9]`)

// openOnServer asks the server whether a user has a transaction that changed rows and has not ended. The user's process
// stands still, so it cannot end it by itself any more.
func openOnServer(ctx context.Context, admin *sql.DB, user string) (bool, error) {
	var kind, name, status string
	if err := admin.QueryRowContext(ctx, "SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &status); err != nil {
		return false, err
	}
	for _, block := range strings.Split(status, "---TRANSACTION")[1:] {
		if strings.Contains(block, user) && changedRows.MatchString(block) && !strings.Contains(block, "COMMITTED") {
			return true, nil
		}
	}
	return false, nil
}
