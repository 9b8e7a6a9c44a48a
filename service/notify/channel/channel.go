package channel

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hengdai/hengdai/kit/secret"
)

// Channel is one way to reach a person.
type Channel interface {
	// Profile answers what is fixed about the channel.
	Profile() Profile
	// Send sends a message. An error says that nothing usable came back: the message may have gone out.
	Send(ctx context.Context, m Message) (Receipt, error)
	// Query asks what became of a message. An error says that nothing usable came back.
	Query(ctx context.Context, requestID string) (Receipt, error)
	// Report checks a message that arrived at our callback path and reads it: ErrSignature, ErrStale or ErrMalformed if
	// it is not to be believed.
	Report(r Received) (Report, error)
}

// Profile is what is fixed about a channel.
type Profile struct {
	// Name is "sms" or "in_app"; templates name channels by it.
	Name string
	// Local says that storing a message delivers it: nothing goes outside, and Send is never called.
	Local bool
	// Callback is the path at which its reports arrive; empty: it sends none.
	Callback string
}

// Message is one message. The personal values live only in it.
type Message struct {
	// RequestID is the same for every try, and the provider sends one message for it.
	RequestID string
	Template  string
	To        secret.String
	Text      secret.String
}

// Status is what a provider says of a message.
type Status uint8

// The statuses.
const (
	// Accepted: the provider has it and will deliver it.
	Accepted Status = iota + 1
	// Delivered: the person has it.
	Delivered
	// Failed: it was not and will not be delivered.
	Failed
	// Refused: the provider never took it and never will, for the reason in Code.
	Refused
	// Busy: the provider did not take it now; later it may.
	Busy
	// NotFound: the provider has no such message.
	NotFound
)

// String gives the status's name.
func (s Status) String() string {
	names := [...]string{"none", "accepted", "delivered", "failed", "refused", "busy", "not_found"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Receipt is a checked answer.
type Receipt struct {
	Status Status
	// ProviderNo is the provider's number.
	ProviderNo string
	// Code is the provider's own word.
	Code string
}

// Received is a message at our callback path, as it came.
type Received struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
}

// Report is a checked delivery report.
type Report struct {
	RequestID  string
	ProviderNo string
	// Status is Delivered or Failed.
	Status Status
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
	// BaseURL is where the provider's server is.
	BaseURL string
	// KeysDir holds merchant-<party>.key and party-<party>.pub. With MakeKeys our own is made if it is missing.
	KeysDir  string
	MakeKeys bool
	// Timeout bounds one call; zero means 10 s.
	Timeout time.Duration
	// HTTPClient makes the calls; nil: a plain one.
	HTTPClient *http.Client
}
