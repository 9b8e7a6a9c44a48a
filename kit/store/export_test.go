package store

import (
	"context"
	"database/sql"
)

// Queued is how many units wait for the SQLite writer.
func (db *DB) Queued() int { return len(db.write.(*batcher).queue) }

// Unguarded runs a statement on the writer's connection as code would that ignores Tx: with its cancellation.
func (db *DB) Unguarded(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return db.write.(*batcher).conn.ExecContext(ctx, query, args...)
}

// TransactionStands says whether the writer's connection is inside a transaction.
func (db *DB) TransactionStands() bool { return !db.write.(*batcher).raw.GetAutocommit() }
