package channel

import (
	"errors"
	"unicode/utf8"

	"github.com/hengdai/hengdai/domain/calendar"
)

// StatementMax is the largest answer with a statement that is read, in bytes.
const StatementMax = 64 << 20

// ErrNotReady says that a channel has no file of the day yet.
var ErrNotReady = errors.New("channel: the statement is not ready")

// StatementFile is a file as the channel gave it, with what it said about it.
type StatementFile struct {
	Channel   string
	Merchant  string
	SettledOn calendar.Date
	// Version is the channel's count of the versions of this day's file, from 1.
	Version int64
	Name    string
	// SHA256 is what the channel says the content hashes to, in hex.
	SHA256  string
	Content []byte
	// Summary holds totals that a channel gives beside the file; empty if they are in it.
	Summary string
}

// Sane refuses what cannot be stored of what a channel says about a file. Its content is looked at by its reader.
func (f *StatementFile) Sane() error {
	if f.Version < 1 || f.Version > 1000 || len(f.Name) > 120 || len(f.Summary) > 500 || !utf8.ValidString(f.Name) || !utf8.ValidString(f.Summary) {
		return ErrMalformed
	}
	return nil
}
