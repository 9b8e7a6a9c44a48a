package keys

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

const (
	privateMode fs.FileMode = 0o600
	publicMode  fs.FileMode = 0o644
	folderMode  fs.FileMode = 0o755
)

// ErrNoKey says that a key file is not there and may not be made.
var ErrNoKey = errors.New("keys: no such key")

// ErrExposed says that a private key file can be read by others.
var ErrExposed = errors.New("keys: private key file is readable by others")

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

func pathOf(dir, name, suffix string) (string, error) {
	if !namePattern.MatchString(name) {
		return "", fmt.Errorf("keys: %q cannot be a key's name", name)
	}
	return filepath.Join(dir, name+suffix), nil
}

// private reads a private block, or makes it once. The bytes that are in the file are answered, also when another
// process made them a moment earlier.
func private(dir, name, kind string, create bool, fresh func() ([]byte, error)) ([]byte, error) {
	path, err := pathOf(dir, name, ".key")
	if err != nil {
		return nil, err
	}
	der, err := readPrivate(path, kind)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return der, err
	}
	if !create {
		return nil, fmt.Errorf("%w: %s.key", ErrNoKey, name)
	}
	made, err := fresh()
	if err != nil {
		return nil, fmt.Errorf("making key %s: %w", name, err)
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("making the keys folder: %w", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: made})
	if err := place(path, block, privateMode, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("storing key %s: %w", name, err)
	}
	return readPrivate(path, kind)
}

func readPrivate(path, kind string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s", ErrExposed, filepath.Base(path))
	}
	return readBlock(path, kind)
}

func readBlock(path, kind string) ([]byte, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the folder is configuration and the name was checked by pathOf
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(raw)
	if block == nil || block.Type != kind || len(rest) != 0 {
		return nil, fmt.Errorf("keys: %s does not hold one %s block", filepath.Base(path), kind)
	}
	return block.Bytes, nil
}

// publish writes a public file if it is absent or different.
func publish(dir, name string, der []byte) error {
	path, err := pathOf(dir, name, ".pub")
	if err != nil {
		return err
	}
	if there, err := readBlock(path, publicKind); err == nil && string(there) == string(der) {
		return nil
	}
	block := pem.EncodeToMemory(&pem.Block{Type: publicKind, Bytes: der})
	if err := place(path, block, publicMode, os.Rename); err != nil {
		return fmt.Errorf("publishing key %s: %w", name, err)
	}
	return nil
}

// place writes a file beside path and then moves it there by link (never replaces) or rename (replaces), so that a
// reader sees it whole or not at all.
func place(path string, content []byte, mode fs.FileMode, move func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return move(f.Name(), path)
}
