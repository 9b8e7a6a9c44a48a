package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/hengdai/hengdai/kit/store"
)

// DSNVariable names the server for tests; its user must be allowed to make databases.
const DSNVariable = "HENGDAI_TEST_MYSQL_DSN"

// Each runs the test on every engine, each time on an empty database with the schemas' tables.
func Each(t *testing.T, schema store.Schema, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachConfig(t, []store.Schema{schema}, func(t *testing.T, cfg store.Config) { fn(t, Open(t, cfg, schema)) })
}

// EachConfig is Each for tests that open the database themselves, for example twice. It is migrated.
func EachConfig(t *testing.T, schemas []store.Schema, fn func(t *testing.T, cfg store.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("mysql", func(t *testing.T) { fn(t, MySQL(t, schemas...)) })
}

// SQLite answers the configuration of a new database file.
func SQLite(t testing.TB) store.Config {
	t.Helper()
	return store.Config{Engine: store.SQLite, Path: filepath.Join(t.TempDir(), "test.db")}
}

// MySQL answers the configuration of a new, migrated database on the test server, or skips the test.
func MySQL(t testing.TB, schemas ...store.Schema) store.Config {
	t.Helper()
	cfg := EmptyMySQL(t)
	if err := store.Migrate(context.Background(), cfg, schemas...); err != nil {
		t.Fatalf("migrating: %v", err)
	}
	return cfg
}

// EmptyMySQL is MySQL without any table.
func EmptyMySQL(t testing.TB) store.Config {
	t.Helper()
	dsn := os.Getenv(DSNVariable)
	if dsn == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set: start a server with scripts/mariadb.sh", DSNVariable)
		}
		t.Skipf("SKIPPED, NOT TESTED ON MARIADB: %s is not set (scripts/mariadb.sh up; eval of its dsn)", DSNVariable)
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("%s: %v", DSNVariable, err)
	}
	cfg.DBName = ""
	root, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	name := "hd_test_" + strings.ToLower(rand.Text()[:12])
	if _, err := root.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		t.Fatalf("making a database on the test server: %v", err)
	}
	t.Cleanup(func() {
		if _, err := root.Exec("DROP DATABASE " + name); err != nil {
			t.Errorf("dropping the test database: %v", err)
		}
		_ = root.Close()
	})
	cfg.DBName = name
	return store.Config{Engine: store.MySQL, DSN: cfg.FormatDSN()}
}

// Open opens the database and closes it at the end of the test.
func Open(t testing.TB, cfg store.Config, schemas ...store.Schema) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), cfg, schemas...)
	if err != nil {
		t.Fatalf("opening the database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the database: %v", err)
		}
	})
	return db
}
