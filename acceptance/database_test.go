package acceptance

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/ncruces/go-sqlite3/driver" // the same driver as the program's
)

// engine makes the databases of a world, one for each service.
type engine func(t *testing.T, w *world) databases

// databases are where the services of a world keep their rows.
type databases interface {
	// of is the part of a configuration that names the databases of services in the folder of a process.
	of(name string, runs []string) map[string]any
	migrate(t testing.TB, files ...string)
	// open opens a service's rows for a look from outside.
	open(t testing.TB, service string) *sql.DB
}

func onSQLite(_ *testing.T, w *world) databases { return &sqliteFiles{w: w} }

// sqliteFiles are one file a service, in the data folder of its process. They migrate themselves.
type sqliteFiles struct{ w *world }

func (s *sqliteFiles) of(string, []string) map[string]any { return nil }
func (s *sqliteFiles) migrate(testing.TB, ...string)      {}

func (s *sqliteFiles) open(t testing.TB, service string) *sql.DB {
	t.Helper()
	folder := s.w.folder(service)
	if spread, many := s.w.runs.(*spread); many && service == spread.small {
		folder = copied(t, folder, service) // the driver does not follow the way to a disk that others do not see
	}
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(folder, service+".db"), RawQuery: "_pragma=busy_timeout(5000)"}
	return opened(t, "sqlite3", file.String())
}

// copied takes a copy of a database that nobody writes to at the moment.
func copied(t testing.TB, folder, service string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{service + ".db", service + ".db-wal"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func opened(t testing.TB, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

const serverVariable = "HENGDAI_TEST_MYSQL_DSN"

// server is a database server with a database and a user for each service.
type server struct {
	root    *mysql.Config
	admin   *sql.DB
	prefix  string
	secrets map[string]string
}

// onMariaDB makes a database and a user that may use only it, for each service.
func onMariaDB(t *testing.T, _ *world) databases {
	dsn := os.Getenv(serverVariable)
	if dsn == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set: start a server with scripts/mariadb.sh", serverVariable)
		}
		t.Skipf("SKIPPED, NOT TESTED ON MARIADB: %s is not set (scripts/mariadb.sh)", serverVariable)
	}
	root, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("%s: %v", serverVariable, err)
	}
	s := &server{root: root, prefix: "acc_" + strings.ToLower(rand.Text()[:8]) + "_", secrets: map[string]string{}}
	s.admin = opened(t, "mysql", root.FormatDSN())
	for _, service := range services {
		name := s.prefix + service
		s.secrets[service] = rand.Text()
		s.do(t, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
		s.do(t, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'", name, s.secrets[service]))
		s.do(t, fmt.Sprintf("GRANT ALL ON %s.* TO '%s'@'%%'", name, name))
	}
	t.Cleanup(func() {
		for _, service := range services {
			s.do(t, "DROP DATABASE "+s.prefix+service)
			s.do(t, fmt.Sprintf("DROP USER '%s'@'%%'", s.prefix+service))
		}
		_ = s.admin.Close()
	})
	return s
}

func (s *server) do(t testing.TB, statement string) {
	t.Helper()
	if _, err := s.admin.Exec(statement); err != nil {
		t.Fatalf("%.40s: %v", statement, err)
	}
}

func (s *server) address(service string) string {
	own := s.root.Clone()
	own.User, own.Passwd, own.DBName = s.prefix+service, s.secrets[service], s.prefix+service
	return own.FormatDSN()
}

func (s *server) of(_ string, runs []string) map[string]any {
	all := map[string]any{}
	for _, service := range runs {
		if service != "gateway" {
			all[service] = map[string]any{"engine": "mysql", "dsn": s.address(service)}
		}
	}
	return all
}

// migrate makes the tables with the program's own command, as an operator does.
func (s *server) migrate(t testing.TB, files ...string) {
	var together sync.WaitGroup
	for _, file := range files {
		together.Go(func() { migrateWith(t, file) })
	}
	together.Wait()
}

func (s *server) open(t testing.TB, service string) *sql.DB {
	t.Helper()
	return opened(t, "mysql", s.address(service))
}

// business are the tables in which a request that is refused may leave nothing.
var business = map[string][]string{
	"user":    {"person", "card", "consent", "session", "identity_check"},
	"loan":    {"application", "application_step", "disclosure", "contract", "credit_limit_change", "loan", "loan_event", "payment_order", "journal", "journal_entry"},
	"payment": {"payment_order", "payment_attempt", "journal_transaction", "journal_entry"},
	"risk":    {"decision"},
}

// rows counts what the business tables of all services hold.
func (w *world) rows(t testing.TB) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for service, tables := range business {
		db := w.databases.open(t, service)
		for _, table := range tables {
			var n int64
			if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
				t.Fatalf("count %s of %s: %v", table, service, err)
			}
			counts[service+"."+table] = n
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return counts
}
