package channel

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/payment"
	"github.com/hengdai/hengdai/kit/secret"
)

// Channel is one payment channel.
type Channel interface {
	// Profile answers what is fixed about the channel.
	Profile() Profile
	// Submit sends an order. An error says that nothing usable came back; the order may have been executed.
	Submit(ctx context.Context, o Order) (Reply, error)
	// Query asks what became of an order.
	Query(ctx context.Context, ref Ref) (Reply, error)
	// Notice checks a message that arrived at our callback path and reads it: ErrSignature, ErrStale or ErrMalformed
	// if it is not to be believed.
	Notice(r Received) (Notice, error)
	// Statement fetches the newest file of a settlement date: ErrNotReady if there is none yet. What comes back is
	// checked for its sender and its hash, and not read.
	Statement(ctx context.Context, day calendar.Date) (StatementFile, error)
}

// Profile is what is fixed about a channel by its contract and protocol.
type Profile struct {
	Name  string
	Codes payment.Codes
	// Deduplicates says that the channel executes one of our numbers at most once, however often it is sent.
	Deduplicates bool
	// Kinds it can move.
	Kinds []payment.Kind
	// Terms are its fees and hours by kind, by contract: statements are held to them. A kind that is not named costs nothing
	// and is always open.
	Terms map[payment.Kind]payment.Terms
	// Thanks is what it wants to read when it has told us something.
	Thanks string
	// AcceptFor is how long after a submission the channel may still begin to carry it out.
	AcceptFor time.Duration
}

// Order is one submission. The personal values live only in it.
type Order struct {
	Ref
	Currency string
	CardNo   secret.String
	Name     secret.String
	Mobile   secret.String
}

// Ref names a submission at the channel. All of it is stored before the first call, so that every repeat is the same.
type Ref struct {
	RequestNo   string
	Kind        payment.Kind
	AmountMinor int64
	RequestedAt time.Time
}

// Reply is a checked answer with the digest of the message it was read from.
type Reply struct {
	payment.Answer
	Digest []byte
}

// Received is a message at our callback path, as it came.
type Received struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
}

// Notice is a checked message of a channel.
type Notice struct {
	Reply
	// Key names this message: the same key is the same message once more.
	Key []byte
	// Once says that an honest channel never sends the same key twice, so that a repeat is an attack.
	Once bool
}

// Why a message is not believed.
var (
	ErrSignature = errors.New("channel: the signature does not fit")
	ErrStale     = errors.New("channel: the message is too old or from the future")
	ErrMalformed = errors.New("channel: the message cannot be read")
)

// Config is what an installation says about one channel.
type Config struct {
	// Channel is its name in the table.
	Channel string
	// BaseURL is where its server is, for example https://alpha.example.
	BaseURL string
	// MerchantID is ours at the channel.
	MerchantID string
	// NotifyURL is where it shall tell us outcomes.
	NotifyURL string
	// KeysDir holds merchant-<channel>.key and party-<channel>.pub. With MakeKeys our own is made if it is missing.
	KeysDir  string
	MakeKeys bool
	// Timeout bounds one call; zero means 10 s.
	Timeout time.Duration
	// Through wraps the transport of the calls, to measure them; nil means as it is.
	Through func(http.RoundTripper) http.RoundTripper

	// What follows is where the settings start that two people may later change.

	Disabled bool
	// Priority: the lower is tried first.
	Priority int64
	// MinMinor and MaxMinor bound a single order; a zero maximum is none.
	MinMinor int64
	MaxMinor int64
	// DailyMinor bounds the amounts of one day; zero is no bound.
	DailyMinor int64
	// Terms are the fees and hours agreed, by kind; nil means those of the channel's profile.
	Terms map[payment.Kind]payment.Terms
	// PerSecond is how many calls a second the channel's contract allows; zero is no limit.
	PerSecond int
}
