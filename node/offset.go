package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
)

// farthest is how far a sandbox may be ahead: beyond it the file is no offset.
const farthest = 200 * 365 * 24 * time.Hour

// openOffset answers how far the sandbox's calendar has been moved, as the data folder remembers it: a restarted sandbox
// goes on at the date at which it stopped. In the production profile there is no offset.
func openOffset(cfg *config.Config) (*clock.Offset, error) {
	offset := &clock.Offset{}
	if cfg.Profile != config.Sandbox {
		return offset, nil
	}
	path := offsetFile(cfg)
	text, err := os.ReadFile(path) //nolint:gosec // a file of the data folder
	if errors.Is(err, fs.ErrNotExist) {
		return offset, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the sandbox's calendar: %w", err)
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || ms < 0 || ms > farthest.Milliseconds() {
		return nil, fmt.Errorf("the sandbox's calendar %s is damaged: want the milliseconds by which it is ahead, a whole number", path)
	}
	offset.Raise(time.Duration(ms) * time.Millisecond)
	return offset, nil
}

// keepOffset writes the offset down, so that it survives a restart.
func keepOffset(cfg *config.Config, offset *clock.Offset) error {
	path := offsetFile(cfg)
	draft := path + "." + strconv.Itoa(os.Getpid())
	text := strconv.FormatInt(offset.Ahead().Milliseconds(), 10)
	if err := os.WriteFile(draft, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

func offsetFile(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "calendar") }
