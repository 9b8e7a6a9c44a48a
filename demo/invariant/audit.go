package invariant

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
)

// auditChains: in every service each recorded act is in the chain, the hash of each covers it and all before it, and the
// chain ends where its head says.
func auditChains(ctx context.Context, l *look, f *finding) error {
	for _, service := range ours {
		var no int64
		var hash []byte
		err := l.books.each(ctx, service, `SELECT chain_no, bucket, id, at_ms, actor_id, actor_session, subject_id, actor_kind, actor_service, act,
			subject_kind, reason, details, chain_hash FROM kit_audit ORDER BY chain_no, at_ms, id`, func(r *sql.Rows) error {
			var n [7]int64
			var s [6]string
			var stored []byte
			if err := r.Scan(&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &s[0], &s[1], &s[2], &s[3], &s[4], &s[5], &stored); err != nil {
				return err
			}
			f.saw(1)
			if n[0] == 0 {
				f.wrong("%s: act %d is in no chain", service, n[2])
				return nil
			}
			no++
			if n[0] != no {
				f.wrong("%s: act %d stands in place %d of the chain, %d was due", service, n[2], n[0], no)
			}
			if hash = chained(hash, n, s); !bytes.Equal(hash, stored) {
				f.wrong("%s: act %d in place %d is not what was chained", service, n[2], n[0])
				hash = stored // one example for one change
			}
			return nil
		})
		if err != nil {
			return err
		}
		found := false
		err = l.books.each(ctx, service, `SELECT chain_no, chain_hash FROM kit_audit_head WHERE name = 'audit'`, func(r *sql.Rows) error {
			var end int64
			var stored []byte
			if err := r.Scan(&end, &stored); err != nil {
				return err
			}
			found = true
			if end != no || !bytes.Equal(stored, hash) {
				f.wrong("%s: the chain ends at %d, its head says %d", service, no, end)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if !found {
			f.wrong("%s: the chain has no head", service)
		}
	}
	return nil
}

// chained is the SHA-256 over the hash before, the numbers and the texts of an act, each text after its length.
func chained(before []byte, n [7]int64, s [6]string) []byte {
	var text []byte
	put := func(part []byte) {
		text = binary.BigEndian.AppendUint32(text, uint32(len(part)))
		text = append(text, part...)
	}
	put(before)
	for _, v := range n {
		text = binary.BigEndian.AppendUint64(text, uint64(v))
	}
	for _, v := range s {
		put([]byte(v))
	}
	sum := sha256.Sum256(text)
	return sum[:]
}
