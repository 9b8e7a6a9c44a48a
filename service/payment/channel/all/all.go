// Package all is the table of payment channels: a new channel is a package and a line here. Everything else that must know
// their names asks this table: where the program looks for their base URLs, which callback paths the gateway opens, and
// the suite that tries each of them.
package all

import (
	"fmt"

	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/alpha"
	"github.com/hengdai/hengdai/service/payment/channel/beta"
)

// Entry is one channel that can be configured.
type Entry struct {
	Name string
	New  func(cfg channel.Config) (channel.Channel, error)
	// Read reads a statement file of the channel.
	Read func(f channel.StatementFile) (reconcile.Statement, error)
	// MakeKey makes our key for the channel in a keys folder, if it is missing.
	MakeKey func(dir string) error
}

// Table lists every channel.
var Table = []Entry{
	{Name: "alpha", New: alpha.New, Read: alpha.ReadStatement, MakeKey: alpha.MakeKey},
	{Name: "beta", New: beta.New, Read: beta.ReadStatement, MakeKey: beta.MakeKey},
}

// Names answers the names of every channel, in the order of the table: the order in which they are tried at first.
func Names() []string {
	names := make([]string, len(Table))
	for i, e := range Table {
		names[i] = e.Name
	}
	return names
}

// New makes the configured channel, or says that the table has none of that name.
func New(cfg channel.Config) (channel.Channel, error) {
	for _, e := range Table {
		if e.Name == cfg.Channel {
			return e.New(cfg)
		}
	}
	return nil, fmt.Errorf("there is no payment channel %q", cfg.Channel)
}

// Read reads a statement file of the channel that it names; a *reconcile.Refusal if it cannot be believed.
func Read(f channel.StatementFile) (reconcile.Statement, error) {
	for _, e := range Table {
		if e.Name == f.Channel {
			return e.Read(f)
		}
	}
	return reconcile.Statement{}, fmt.Errorf("there is no payment channel %q", f.Channel)
}
