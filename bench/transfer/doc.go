// Package transferbench measures payment's journal: 64 goroutines call Post, each call answered after the disk has
// synced, while the log's numberer keeps up and one reader follows the log as another service does. A transfer is
// idempotent by its id, refused with another body, checks both balances against their floors and is found by either
// account.
//
//	go test ./bench/transfer -run none -bench . -benchtime 20000x
//
// HENGDAI_TEST_MYSQL_DSN names a MariaDB server; without it that part is skipped.
package transferbench
