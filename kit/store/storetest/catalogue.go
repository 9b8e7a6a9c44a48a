package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"       // reads the catalogue of MariaDB
	_ "github.com/ncruces/go-sqlite3/driver" // reads the catalogue of SQLite

	"github.com/hengdai/hengdai/kit/store"
)

// catalogue is what a database says of its tables, in the words that both engines share.
type catalogue map[string]table

type table struct {
	columns []string // name, class of type, greatest length, in order
	keys    []string // sorted: "primary (a, b)", "unique (a)", "index (a)"
}

// SameSchema proves that the schema's two dialects make the same tables: names, columns in order with the class of their
// type, nullability and greatest length, and keys. Names of indexes may differ.
func SameSchema(t *testing.T, schema store.Schema) {
	t.Helper()
	lite, my := SQLite(t), MySQL(t, schema)
	Open(t, lite, schema)
	a, b := readSQLite(t, lite.Path), readMySQL(t, my.DSN)
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		ours, ok := a[name]
		if !ok {
			t.Errorf("table %s exists on MySQL only", name)
			continue
		}
		theirs, ok := b[name]
		if !ok {
			t.Errorf("table %s exists on SQLite only", name)
			continue
		}
		compare(t, name, "columns", ours.columns, theirs.columns)
		compare(t, name, "keys", ours.keys, theirs.keys)
	}
}

func compare(t *testing.T, table, what string, lite, my []string) {
	t.Helper()
	if !slices.Equal(lite, my) {
		t.Errorf("table %s has different %s:\n  sqlite: %s\n  mysql:  %s", table, what, strings.Join(lite, "; "), strings.Join(my, "; "))
	}
}

func ours(name string) bool {
	return !strings.HasSuffix(name, "_version") && !strings.HasPrefix(name, "sqlite_")
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func rows(t *testing.T, db *sql.DB, width int, query string, args ...any) [][]string {
	t.Helper()
	found, err := db.QueryContext(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = found.Close() }()
	var all [][]string
	for found.Next() {
		cells := make([]sql.NullString, width)
		into := make([]any, width)
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		line := make([]string, width)
		for i, c := range cells {
			line[i] = c.String
		}
		all = append(all, line)
	}
	if err := found.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return all
}

var lengthCheck = regexp.MustCompile(`(?i)CHECK\s*\(\s*length\s*\(\s*(\w+)\s*\)\s*<=\s*(\d+)`)

func readSQLite(t *testing.T, path string) catalogue {
	t.Helper()
	db := open(t, "sqlite3", "file:"+path)
	all := catalogue{}
	for _, r := range rows(t, db, 2, "SELECT name, sql FROM sqlite_schema WHERE type = 'table'") {
		name, text := r[0], r[1]
		if !ours(name) {
			continue
		}
		if !strings.Contains(text[strings.LastIndex(text, ")"):], "STRICT") {
			t.Errorf("table %s is not STRICT", name)
		}
		lengths := map[string]string{}
		for _, m := range lengthCheck.FindAllStringSubmatch(text, -1) {
			lengths[m[1]] = m[2]
		}
		var tb table
		for _, c := range rows(t, db, 3, "SELECT name, type, \"notnull\" FROM pragma_table_info(?) ORDER BY cid", name) {
			class := map[string]string{"INTEGER": "integer", "TEXT": "text", "BLOB": "bytes"}[c[1]]
			if class == "" {
				t.Errorf("%s.%s: type %s is not portable", name, c[0], c[1])
			}
			if class == "text" && lengths[c[0]] == "" {
				t.Errorf("%s.%s has no CHECK(length(%s) <= n)", name, c[0], c[0])
			}
			tb.columns = append(tb.columns, describe(c[0], class, lengths[c[0]], c[2] == "1"))
		}
		for _, k := range rows(t, db, 3, "SELECT name, \"unique\", origin FROM pragma_index_list(?)", name) {
			var cols []string
			for _, c := range rows(t, db, 1, "SELECT name FROM pragma_index_info(?) ORDER BY seqno", k[0]) {
				cols = append(cols, c[0])
			}
			kind := "index"
			switch {
			case k[2] == "pk":
				kind = "primary"
			case k[1] == "1":
				kind = "unique"
			}
			tb.keys = append(tb.keys, key(kind, cols))
		}
		if !slices.ContainsFunc(tb.keys, func(k string) bool { return strings.HasPrefix(k, "primary") }) { // a rowid's alias has no index
			var cols []string
			for _, c := range rows(t, db, 1, "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", name) {
				cols = append(cols, c[0])
			}
			tb.keys = append(tb.keys, key("primary", cols))
		}
		slices.Sort(tb.keys)
		all[name] = tb
	}
	return all
}

func readMySQL(t *testing.T, dsn string) catalogue {
	t.Helper()
	db := open(t, "mysql", dsn)
	all := catalogue{}
	for _, r := range rows(t, db, 6, `SELECT table_name, column_name, data_type, is_nullable, COALESCE(character_maximum_length, 0), COALESCE(collation_name, '')
		FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`) {
		name := r[0]
		if !ours(name) {
			continue
		}
		tb := all[name]
		var class string
		length := ""
		switch r[2] {
		case "bigint":
			class = "integer"
		case "varchar":
			class, length = "text", r[4]
			if r[5] != "utf8mb4_bin" {
				t.Errorf("%s.%s: collation %s, want utf8mb4_bin", name, r[1], r[5])
			}
		case "varbinary":
			class, length = "bytes", r[4]
		case "blob", "mediumblob", "longblob":
			class = "bytes"
		case "text", "mediumtext", "longtext":
			class, length = "text", "unbounded"
		default:
			t.Errorf("%s.%s: type %s is not portable", name, r[1], r[2])
		}
		tb.columns = append(tb.columns, describe(r[1], class, length, r[3] == "NO"))
		all[name] = tb
	}
	type indexed struct {
		table, name, kind string
		cols              []string
	}
	var keys []*indexed
	for _, r := range rows(t, db, 4, `SELECT table_name, index_name, non_unique, column_name FROM information_schema.statistics
		WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index`) {
		if len(keys) == 0 || keys[len(keys)-1].table != r[0] || keys[len(keys)-1].name != r[1] {
			kind := "index"
			switch {
			case r[1] == "PRIMARY":
				kind = "primary"
			case r[2] == "0":
				kind = "unique"
			}
			keys = append(keys, &indexed{table: r[0], name: r[1], kind: kind})
		}
		last := keys[len(keys)-1]
		last.cols = append(last.cols, r[3])
	}
	for _, k := range keys {
		if tb, ok := all[k.table]; ok {
			tb.keys = append(tb.keys, key(k.kind, k.cols))
			slices.Sort(tb.keys)
			all[k.table] = tb
		}
	}
	return all
}

func describe(name, class, length string, notNull bool) string {
	s := name + " " + class
	if length != "" {
		s += "(" + length + ")"
	}
	if notNull {
		s += " not null"
	}
	return s
}

func key(kind string, cols []string) string {
	return fmt.Sprintf("%s (%s)", kind, strings.Join(cols, ", "))
}
