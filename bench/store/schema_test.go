package storebench

import (
	"strings"
	"testing/fstest"

	"github.com/hengdai/hengdai/kit/store"
)

const tables = `-- +goose Up
CREATE TABLE b_transfer (bucket INTEGER NOT NULL, id INTEGER NOT NULL, debit_id INTEGER NOT NULL, credit_id INTEGER NOT NULL, amount_minor INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 32), posting_on TEXT NOT NULL CHECK(length(posting_on) <= 10), value_on TEXT NOT NULL CHECK(length(value_on) <= 10),
  created_ms INTEGER NOT NULL, PRIMARY KEY (bucket, id)) STRICT, WITHOUT ROWID;
CREATE TABLE b_entry (bucket INTEGER NOT NULL, account_id INTEGER NOT NULL, transfer_id INTEGER NOT NULL, amount_minor INTEGER NOT NULL, balance_minor INTEGER NOT NULL,
  posting_on TEXT NOT NULL CHECK(length(posting_on) <= 10), PRIMARY KEY (bucket, account_id, transfer_id)) STRICT, WITHOUT ROWID;
CREATE TABLE b_balance (bucket INTEGER NOT NULL, account_id INTEGER NOT NULL, balance_minor INTEGER NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (bucket, account_id)) STRICT, WITHOUT ROWID;
`

func schema() store.Schema {
	my := strings.NewReplacer(" INTEGER", " BIGINT", ") STRICT, WITHOUT ROWID", ") DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		"kind TEXT NOT NULL CHECK(length(kind) <= 32)", "kind VARCHAR(32) NOT NULL",
		"posting_on TEXT NOT NULL CHECK(length(posting_on) <= 10)", "posting_on VARCHAR(10) NOT NULL",
		"value_on TEXT NOT NULL CHECK(length(value_on) <= 10)", "value_on VARCHAR(10) NOT NULL").Replace(tables)
	return store.Schema{Name: "bench", Files: fstest.MapFS{
		"sqlite/0001_init.sql": {Data: []byte(tables)},
		"mysql/0001_init.sql":  {Data: []byte(my)},
	}}
}
