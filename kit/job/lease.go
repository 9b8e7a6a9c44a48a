package job

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
)

var errLeaseLost = errs.New(errs.Conflict, "job.lease_lost",
	"后台任务已由其他进程接管。", "The job was taken over by another process.")

// held is a lease that this process has, or had.
type held struct {
	name  string
	fence int64
	until time.Time // by our own clock
}

type heldKey struct{}

// Guard makes a unit of work of a step fail if the job's lease has gone to another process meanwhile: its fence is checked
// in the unit itself. Outside of a Runner it does nothing.
func Guard(tx *store.Tx) error {
	h, ok := tx.Context().Value(heldKey{}).(held)
	if !ok {
		return nil
	}
	res, err := tx.ExecContext(tx.Context(), "UPDATE kit_lease SET version = version + 1 WHERE name = ? AND fence = ?", h.name, h.fence)
	if err != nil {
		return errs.Wrap(err, "checking the lease of "+h.name)
	}
	n, err := res.RowsAffected()
	return store.One(n, err, errLeaseLost)
}

// acquire takes the lease if it is free, ended, or was ours before a restart. ok is false if another process has it.
func acquire(ctx context.Context, db *store.DB, name, owner string) (h held, ok bool, err error) {
	until := clock.Real().Add(leaseFor)
	err = db.WriteQuiet(ctx, func(tx *store.Tx) error {
		var had string
		var fence, ends, version int64
		ok = false
		err := tx.QueryRowContext(ctx, "SELECT owner, fence, until_ms, version FROM kit_lease WHERE name = ?", name).Scan(&had, &fence, &ends, &version)
		if errors.Is(err, sql.ErrNoRows) {
			h, ok = held{name: name, fence: 1, until: until}, true
			_, err := tx.ExecContext(ctx, "INSERT INTO kit_lease (name, owner, fence, until_ms, version) VALUES (?, ?, 1, ?, 1)", name, owner, until.UnixMilli())
			return err
		}
		if err != nil {
			return err
		}
		if had != owner && ends > clock.Real().UnixMilli() {
			return nil
		}
		h = held{name: name, fence: fence + 1, until: until}
		res, err := tx.ExecContext(ctx, "UPDATE kit_lease SET owner = ?, fence = ?, until_ms = ?, version = version + 1 WHERE name = ? AND version = ?",
			owner, h.fence, until.UnixMilli(), name, version)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		ok = n == 1
		return err
	})
	if err != nil {
		return held{}, false, errs.Wrap(err, "leasing job "+name)
	}
	return h, ok, nil
}

// extend renews the leases until an instant and answers which of them were lost.
func extend(ctx context.Context, db *store.DB, leases []held, until time.Time) (lost map[string]bool, err error) {
	err = db.WriteQuiet(ctx, func(tx *store.Tx) error {
		lost = map[string]bool{}
		for _, h := range leases {
			res, err := tx.ExecContext(ctx, "UPDATE kit_lease SET until_ms = ?, version = version + 1 WHERE name = ? AND fence = ?",
				until.UnixMilli(), h.name, h.fence)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			lost[h.name] = n == 0
		}
		return nil
	})
	return lost, errs.Wrap(err, "renewing the leases of jobs")
}
