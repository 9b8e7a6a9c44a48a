package invariant

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestScratch(t *testing.T) {
	dir := os.Getenv("HENGDAI_DEMO_DATA")
	if dir == "" {
		t.Skip()
	}
	b, err := Open(t.Context(), func(s string) (string, string) { return "sqlite", filepath.Join(dir, s+".db") })
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	from := time.Now()
	f, err := b.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Write(os.Stdout)
	t.Log(time.Since(from))
}
