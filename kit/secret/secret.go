package secret

import (
	"crypto/subtle"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Hidden is what a secret looks like wherever it is printed.
const Hidden = "***"

// ErrStored refuses to put a secret into a database in clear: it belongs into the vault.
var ErrStored = errors.New("secret: a secret value cannot be stored in clear")

// String is a text that does not show itself. The zero value is the empty text. It cannot be compared with ==; use Equal.
type String struct {
	reveal func() string
}

// New hides v.
func New(v string) String {
	return String{reveal: func() string { return v }}
}

// Reveal answers the value. Every call of it is a place to look at in a review.
func (s String) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether there is no value.
func (s String) Empty() bool {
	return s.Reveal() == ""
}

// Equal compares in constant time.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String answers Hidden.
func (s String) String() string { return Hidden }

// GoString answers Hidden.
func (s String) GoString() string { return Hidden }

// Format writes Hidden for every verb.
func (s String) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, Hidden)
}

// LogValue answers Hidden.
func (s String) LogValue() slog.Value { return slog.StringValue(Hidden) }

// MarshalText answers Hidden; JSON and YAML use it.
func (s String) MarshalText() ([]byte, error) { return []byte(Hidden), nil }

// MarshalBinary refuses.
func (s String) MarshalBinary() ([]byte, error) { return nil, ErrStored }

// UnmarshalText takes a value in, so that configuration can be read into a secret.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}

// Value refuses: database/sql calls it when somebody passes a secret as a statement's argument.
func (s String) Value() (driver.Value, error) { return nil, ErrStored }
