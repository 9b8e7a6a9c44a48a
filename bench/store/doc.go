// Package storebench measures kit/store with what a lender does most: a transfer between two accounts. One transfer is
// one unit of work: the idempotency key is looked up and kept with a hash of the body, the transfer and its two entries are
// written, two balances are changed by compare-and-set, and an event is appended to the log.
//
//	go test ./bench/store -bench . -benchtime 5s
//
// HENGDAI_TEST_MYSQL_DSN names a MariaDB server; without it that part is skipped.
package storebench
