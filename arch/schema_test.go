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
var unbucketed = map[string]string{}

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
	files, err := sources("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasPrefix(file.dir, "service/") || file.test || file.generated || strings.HasPrefix(filepath.Base(file.path), "store") {
			continue
		}
		if at := statement.FindIndex(file.text); at != nil {
			t.Errorf("%s holds SQL: it belongs into queries/ or store.go", file.path)
		} else if at := backticked.FindIndex(file.text); at != nil {
			t.Errorf("%s holds SQL: it belongs into queries/ or store.go", file.path)
		}
	}
}
