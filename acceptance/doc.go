// Package acceptance holds one suite over the whole program, run over a table of worlds: every service in one process or each in a
// process of its own, on SQLite or on MariaDB. It acts only as people do, through the public HTTPS API, each person from an own
// address, and looks at the outside parties' journals for what really happened.
//
// Worlds on MariaDB need a server: HENGDAI_TEST_MYSQL_DSN is the address of one on which the suite may make databases and users
// (scripts/mariadb.sh). Without it they are skipped, loudly, and fail if CI=true. HENGDAI_ACCEPTANCE_KEEP=1 keeps the folders of
// the worlds, with the logs of every process.
package acceptance
