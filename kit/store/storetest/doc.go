// Package storetest gives tests real databases: SQLite in a folder of the test, and MariaDB if a server is named in
// HENGDAI_TEST_MYSQL_DSN (scripts/mariadb.sh starts one). Without a server its half is skipped loudly, and fails if CI=true.
package storetest
