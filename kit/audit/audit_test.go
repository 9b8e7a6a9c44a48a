package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/store/storetest"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func record(t *testing.T, db *store.DB, n int) {
	t.Helper()
	ids := id.NewLocal(1, clock.NewManual(start))
	for i := range n {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return audit.Write(tx, audit.Entry{
				ActorKind: "staff", ActorID: 7, Act: "customer.reveal", SubjectKind: "user", SubjectID: ids.New(int64(i % 5)),
				Reason: "客户来电核实", Details: map[string]string{"fields": "mobile", "n": fmt.Sprint(i)}, At: start.Add(time.Duration(i) * time.Second),
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func chain(t *testing.T, db *store.DB) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = audit.Step(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, db *store.DB) audit.Result {
	t.Helper()
	r, err := audit.Verify(t.Context(), db.Primary())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnUntouchedChainIsIntact(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		if r := verify(t, db); !r.Intact || r.Rows != 0 {
			t.Fatalf("an empty chain: %+v", r)
		}
		record(t, db, 450)
		chain(t, db)
		first := verify(t, db)
		if !first.Intact || first.Rows != 450 {
			t.Fatalf("%+v", first)
		}
		record(t, db, 3)
		if r := verify(t, db); !r.Intact || r.Rows != 450 {
			t.Fatalf("rows that wait for the chain disturb it: %+v", r)
		}
		chain(t, db)
		if r := verify(t, db); !r.Intact || r.Rows != 453 || bytes.Equal(r.Head, first.Head) {
			t.Fatalf("%+v", r)
		}
	})
}

func TestEveryChangeOfARowIsFound(t *testing.T) {
	for name, change := range map[string]string{
		"actor":     `UPDATE kit_audit SET actor_id = 8 WHERE chain_no = 5`,
		"session":   `UPDATE kit_audit SET actor_session = 8 WHERE chain_no = 5`,
		"kind":      `UPDATE kit_audit SET actor_kind = 'borrower' WHERE chain_no = 5`,
		"service":   `UPDATE kit_audit SET actor_service = 'loan' WHERE chain_no = 5`,
		"act":       `UPDATE kit_audit SET act = 'customer.see' WHERE chain_no = 5`,
		"subject":   `UPDATE kit_audit SET subject_id = subject_id + 1024 WHERE chain_no = 5`,
		"what":      `UPDATE kit_audit SET subject_kind = 'card' WHERE chain_no = 5`,
		"reason":    `UPDATE kit_audit SET reason = '' WHERE chain_no = 5`,
		"details":   `UPDATE kit_audit SET details = '{}' WHERE chain_no = 5`,
		"time":      `UPDATE kit_audit SET at_ms = at_ms + 1 WHERE chain_no = 5`,
		"hash":      `UPDATE kit_audit SET chain_hash = x'00' WHERE chain_no = 5`,
		"removed":   `DELETE FROM kit_audit WHERE chain_no = 5`,
		"unchained": `UPDATE kit_audit SET chain_no = 0 WHERE chain_no = 5`,
		"last":      `DELETE FROM kit_audit WHERE chain_no = 10`,
		"head":      `UPDATE kit_audit_head SET chain_no = 9`,
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.Open(t, storetest.SQLite(t))
			record(t, db, 10)
			chain(t, db)
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.ExecContext(tx.Context(), change)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if r := verify(t, db); r.Intact || r.BrokenAt == 0 {
				t.Fatalf("the change is not found: %+v", r)
			}
		})
	}
}

func TestAnActIsRecordedWithItsChangeOrNotAtAll(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	boom := fmt.Errorf("the change fails")
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		if err := audit.Write(tx, audit.Entry{ActorKind: "staff", Act: "x", SubjectID: 1}); err != nil {
			return err
		}
		return boom
	})
	if err == nil {
		t.Fatal("the unit succeeded")
	}
	if rows := list(t, db, audit.Filter{Limit: 10}); len(rows) != 0 {
		t.Fatalf("%d acts of changes that never were", len(rows))
	}
}

func TestListNarrowsAndPages(t *testing.T) {
	storetest.Each(t, store.Schema{Name: "none"}, func(t *testing.T, db *store.DB) {
		record(t, db, 12)
		all := list(t, db, audit.Filter{Limit: 100})
		if len(all) != 12 || all[0].At.Before(all[11].At) || all[0].Details["n"] != "11" || all[0].Reason == "" {
			t.Fatalf("%d acts in a wrong order or form", len(all))
		}
		var paged []audit.Row
		f := audit.Filter{Limit: 5}
		for {
			page := list(t, db, f)
			paged = append(paged, page...)
			if len(page) < 5 {
				break
			}
			last := page[len(page)-1]
			f.BeforeMS, f.BeforeID = last.At.UnixMilli(), last.ID
		}
		if len(paged) != 12 {
			t.Fatalf("pages hold %d acts", len(paged))
		}
		if one := list(t, db, audit.Filter{SubjectID: all[3].SubjectID, Limit: 100}); len(one) != 1 {
			t.Fatalf("%d acts on one subject", len(one))
		}
		if none := list(t, db, audit.Filter{ActorID: 99, Limit: 100}); len(none) != 0 {
			t.Fatalf("%d acts of nobody", len(none))
		}
	})
}

func list(t *testing.T, db *store.DB, f audit.Filter) []audit.Row {
	t.Helper()
	rows, err := audit.List(context.Background(), db.Primary(), f)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
