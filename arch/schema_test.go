package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unbucketed are tables of services that belong to no user, each with its reason. A table that is not here leads every
// key with the user's bucket.
var unbucketed = map[string]string{
	"product_version": "configuration of the lender",
	"business_day":    "the lender's calendar",
	"day_part":        "progress of a day's close, by log partition",
	"policy_version":  "configuration of risk",
	"policy_live":     "which policy decides",
	"policy_turn":     "which policies decided before",
	"document":        "texts that everybody is shown",
}

var (
	createTable = regexp.MustCompile(`(?is)create table (?:if not exists )?(\w+)\s*\((.*?)\n\)`)
	primaryKey  = regexp.MustCompile(`(?i)primary key\s*\(([^)]*)\)`)
	uniqueKey   = regexp.MustCompile(`(?i)unique(?: key| index)?\s*\w*\s*\(([^)]*)\)`)
	statement   = regexp.MustCompile(`(?i)"\s*(select|insert into|update|delete from)\s`)
	backticked  = regexp.MustCompile("(?i)`\\s*(select|insert into|update|delete from)\\s")
)

func TestEveryKeyOfAUsersTableLeadsWithHisBucket(t *testing.T) {
	for _, fault := range schemaFaults(t, "..") {
		t.Error(fault)
	}
}

func TestATableWithoutABucketIsFound(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "service/x/schema/mysql/0001_init.sql"),
		"CREATE TABLE x_a (\n  id BIGINT NOT NULL,\n  PRIMARY KEY (id)\n);\nCREATE TABLE x_b (\n  bucket BIGINT,\n  id BIGINT,\n  PRIMARY KEY (bucket, id),\n  UNIQUE KEY k (id)\n);\n")
	want := []string{"service/x: x_a: primary key (id) does not lead with bucket", "service/x: x_b: unique key (id) does not lead with bucket"}
	if got := schemaFaults(t, root); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func schemaFaults(t *testing.T, root string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "service/*/schema/mysql/*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		service, _ := filepath.Rel(root, filepath.Join(path, "../../.."))
		for _, table := range createTable.FindAllStringSubmatch(string(text), -1) {
			if unbucketed[table[1]] != "" {
				continue
			}
			for kind, key := range map[string]*regexp.Regexp{"primary": primaryKey, "unique": uniqueKey} {
				for _, columns := range key.FindAllStringSubmatch(table[2], -1) {
					if strings.TrimSpace(strings.Split(columns[1], ",")[0]) != "bucket" {
						found = append(found, fmt.Sprintf("%s: %s: %s key (%s) does not lead with bucket", filepath.ToSlash(service), table[1], kind, columns[1]))
					}
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// TestSQLStandsInTheStore: a service's statements are in queries/ or in its store files, nowhere else.
func TestSQLStandsInTheStore(t *testing.T) {
	for _, fault := range strayStatements(t, "..") {
		t.Error(fault)
	}
}

func TestAStrayStatementIsFound(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "service/x/pay.go"), "package x\n\nconst q = \"SELECT 1 FROM t\"\n")
	write(t, filepath.Join(root, "service/x/store.go"), "package x\n\nconst r = `UPDATE t SET a = 1`\n")
	want := []string{"service/x/pay.go holds SQL: it belongs into queries/ or store.go"}
	if got := strayStatements(t, root); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func strayStatements(t *testing.T, root string) []string {
	t.Helper()
	files, err := sources(root)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if !strings.HasPrefix(file.dir, "service/") || file.test || file.generated || strings.HasPrefix(filepath.Base(file.path), "store") {
			continue
		}
		if statement.Match(file.text) || backticked.Match(file.text) {
			found = append(found, file.path+" holds SQL: it belongs into queries/ or store.go")
		}
	}
	return found
}
