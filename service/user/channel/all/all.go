// Package all is the table of identity channels: one line each.
package all

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"slices"

	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/service/user/channel"
	"github.com/hengdai/hengdai/service/user/channel/bureau"
)

// Config names a channel and where its party is.
type Config struct {
	// Name is one of Names.
	Name string
	// BaseURL is where the party is.
	BaseURL string
	// KeysDir holds our key and the party's public one.
	KeysDir string
	// Create makes our key if it is missing (sandbox profile).
	Create bool
	// HTTP makes the requests; nil means a client of its own.
	HTTP *http.Client
}

type opener func(c Config, own ed25519.PrivateKey, theirs ed25519.PublicKey) (channel.Identity, error)

var table = map[string]opener{
	bureau.Name: func(c Config, own ed25519.PrivateKey, theirs ed25519.PublicKey) (channel.Identity, error) {
		return bureau.New(bureau.Config{BaseURL: c.BaseURL, Own: own, Theirs: theirs, HTTP: c.HTTP})
	},
}

// Names lists the channels, sorted.
func Names() []string {
	var names []string
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Open makes a channel from its configuration.
func Open(c Config) (channel.Identity, error) {
	open, ok := table[c.Name]
	if !ok {
		return nil, fmt.Errorf("there is no identity channel %q; there are %v", c.Name, Names())
	}
	own, err := keys.Ed25519(c.KeysDir, "merchant-"+c.Name, c.Create)
	if err != nil {
		return nil, fmt.Errorf("our key at %s: %w", c.Name, err)
	}
	if c.Create { // the sandbox's party may start later than we do; whoever comes first makes its key
		if _, err := keys.Ed25519(c.KeysDir, "party-"+c.Name, true); err != nil {
			return nil, fmt.Errorf("the sandbox key of %s: %w", c.Name, err)
		}
	}
	theirs, err := keys.PublicEd25519(c.KeysDir, "party-"+c.Name)
	if err != nil {
		return nil, fmt.Errorf("the key of %s: %w", c.Name, err)
	}
	return open(c, own, theirs)
}
