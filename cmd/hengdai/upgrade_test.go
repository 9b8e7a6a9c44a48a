package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/node"
)

// TestDataFoldersOfOlderProgramsAreUpgraded starts today's program on each kept folder: the tables are brought up to date,
// the days since are closed, and the books hold.
func TestDataFoldersOfOlderProgramsAreUpgraded(t *testing.T) {
	kept, err := filepath.Glob(filepath.Join("..", "..", "testdata", "upgrade", "*.tar.gz"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("no older folders: %v", err)
	}
	for _, archive := range kept {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, archive, dir)
			folder := filepath.Join(dir, "data")
			cfg, err := config.Load("", []string{"HENGDAI_DATA_DIR=" + folder})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range node.Doctor(t.Context(), cfg) {
				if f.Verdict == node.Failure && !strings.HasPrefix(f.About, "listen.") {
					t.Errorf("the doctor says of the older folder: %+v", f)
				}
			}
			if said, err := settled(t, folder); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			for _, f := range node.Doctor(t.Context(), cfg) {
				if strings.HasPrefix(f.About, "database") && f.Verdict != node.Fine {
					t.Errorf("the doctor says after the upgrade: %+v", f)
				}
			}
		})
	}
}

// settled starts the program on a folder and waits until its books hold. What finds nothing to examine in a small book is no matter.
func settled(t *testing.T, folder string) (said string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = withDemoNode(t.Context(), folder, func(cfg *config.Config, _ *node.Node) error {
		for end := time.Now().Add(3 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
			out.Reset()
			err := judge(context.WithoutCancel(t.Context()), cfg, &out)
			if err == nil || !strings.Contains(out.String(), "BROKEN") && !strings.Contains(out.String(), "NOT EXAMINED") {
				return nil
			}
			if time.Now().After(end) {
				return err
			}
		}
	})
	return out.String(), err
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o700)
		} else {
			var content []byte
			if content, err = io.ReadAll(files); err == nil {
				err = os.WriteFile(path, content, header.FileInfo().Mode().Perm())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
