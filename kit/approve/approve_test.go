package approve_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/approve"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

const (
	maker   = 11
	checker = 12
	subject = 5<<10 | 77
)

func propose(t *testing.T, db *store.DB) int64 {
	t.Helper()
	var proposalID int64
	err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
		proposalID, err = approve.Propose(tx, approve.Proposal{Kind: "product.version", SubjectID: subject, Summary: "rate", Body: []byte("body"),
			Reason: "new price", ProposedBy: maker, ProposedAt: time.UnixMilli(1_700_000_000_000)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return proposalID
}

func decide(t *testing.T, db *store.DB, proposalID, by int64, apply func(*store.Tx, []byte) error) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *store.Tx) error { return approve.Approve(tx, proposalID, approve.By{Staff: by}, apply) })
}

func nothing(*store.Tx, []byte) error { return nil }

func TestWhoProposedCannotDecide(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		p := propose(t, db)
		if id.Bucket(p) != id.Bucket(subject) {
			t.Fatal("the proposal lies in another bucket than its subject")
		}
		if err := decide(t, db, p, maker, nothing); !errors.Is(err, approve.ErrSelf) {
			t.Fatalf("approving one's own: %v", err)
		}
		if err := decide(t, db, p, 0, nothing); !errors.Is(err, approve.ErrSelf) {
			t.Fatalf("approving as nobody: %v", err)
		}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return approve.Reject(tx, p, approve.By{Staff: maker, Reason: "no"})
		})
		if !errors.Is(err, approve.ErrSelf) {
			t.Fatalf("rejecting one's own: %v", err)
		}
		if got := get(t, db, p); got.State != approve.Proposed {
			t.Fatalf("it is %s", got.State)
		}
	})
}

func TestTheChangeIsAppliedWithTheApprovalOrNeitherIs(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		p := propose(t, db)
		boom := errors.New("cannot be applied")
		if err := decide(t, db, p, checker, func(*store.Tx, []byte) error { return boom }); !errors.Is(err, boom) {
			t.Fatalf("%v", err)
		}
		if got := get(t, db, p); got.State != approve.Proposed || got.DecidedBy != 0 {
			t.Fatalf("it is %s", got.State)
		}
		var applied []byte
		if err := decide(t, db, p, checker, func(_ *store.Tx, body []byte) error { applied = body; return nil }); err != nil {
			t.Fatal(err)
		}
		if got := get(t, db, p); got.State != approve.Approved || got.DecidedBy != checker || string(applied) != "body" {
			t.Fatalf("it is %s", got.State)
		}
		if err := decide(t, db, p, checker, nothing); !errors.Is(err, approve.ErrDecided) {
			t.Fatalf("deciding twice: %v", err)
		}
	})
}

func TestManyCheckersApplyAChangeOnce(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		p := propose(t, db)
		var succeeded atomic.Int64
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				if decide(t, db, p, int64(100+i), nothing) == nil {
					succeeded.Add(1)
				}
			})
		}
		wg.Wait()
		if succeeded.Load() != 1 {
			t.Fatalf("applied %d times", succeeded.Load())
		}
	})
}

func TestRejectingNeedsAReason(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	p := propose(t, db)
	reject := func(reason string) error {
		return db.Write(t.Context(), func(tx *store.Tx) error {
			return approve.Reject(tx, p, approve.By{Staff: checker, Reason: reason})
		})
	}
	if err := reject(""); !errors.Is(err, approve.ErrNoReason) {
		t.Fatalf("%v", err)
	}
	if err := reject("too dear"); err != nil {
		t.Fatal(err)
	}
	if got := get(t, db, p); got.State != approve.Rejected || got.Decision != "too dear" {
		t.Fatalf("it is %s", got.State)
	}
	if err := decide(t, db, p, checker, nothing); !errors.Is(err, approve.ErrDecided) {
		t.Fatalf("approving what was rejected: %v", err)
	}
	if err := decide(t, db, 4711, checker, nothing); !errors.Is(err, approve.ErrNone) {
		t.Fatalf("approving what is not there: %v", err)
	}
}

func TestListShowsWhatWaits(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		first, second := propose(t, db), propose(t, db)
		if err := decide(t, db, first, checker, nothing); err != nil {
			t.Fatal(err)
		}
		waiting, err := approve.List(t.Context(), db.Primary(), approve.Filter{State: approve.Proposed, Kind: "product.version", Limit: 10})
		if err != nil || len(waiting) != 1 || waiting[0].ID != second {
			t.Fatalf("%d wait: %v", len(waiting), err)
		}
		all, err := approve.List(t.Context(), db.Primary(), approve.Filter{Limit: 1})
		if err != nil || len(all) != 1 {
			t.Fatal(err)
		}
		rest, err := approve.List(t.Context(), db.Primary(), approve.Filter{Limit: 10, BeforeMS: all[0].ProposedAt.UnixMilli(), BeforeID: all[0].ID})
		if err != nil || len(rest) != 1 || rest[0].ID == all[0].ID {
			t.Fatalf("%d on the second page: %v", len(rest), err)
		}
	})
}

func get(t *testing.T, db *store.DB, proposalID int64) approve.Proposal {
	t.Helper()
	p, err := approve.Get(t.Context(), db.Primary(), proposalID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
