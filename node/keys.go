package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/keys"
)

// States of a key file.
const (
	KeyThere   = "there"
	KeyMissing = "missing"
	KeyExposed = "exposed" // others may read it
	KeyAwaited = "awaited" // the party's public key: they give it, nobody here makes it
)

// Key is one file that the services of a configuration need in keys_dir.
type Key struct {
	File  string `json:"file"`
	For   string `json:"for"`
	State string `json:"state"`
	// make makes it; nil: it comes from elsewhere.
	make func(dir string) error
	// atStart: a service does not start without it.
	atStart bool
}

// Keys lists what the services of a configuration need, whether it is there or not.
func Keys(cfg *config.Config) []Key {
	var list []Key
	for _, service := range cfg.Services {
		process := func(dir string) error { _, err := keys.Open(dir, service, true); return err }
		list = append(list, Key{File: service + ".sign.key", For: "what " + service + " says to its peers", make: process, atStart: true},
			Key{File: service + ".seal.key", For: "what is sealed to " + service, make: process, atStart: true})
		switch service {
		case "user":
			list = append(list, Key{File: "user.kek.key", For: "personal values in every database; lost, they are lost", atStart: true,
				make: func(dir string) error { _, err := keys.KEK(dir, true); return err }},
				Key{File: "user.index.key", For: "finding a person by number; never changed", atStart: true,
					make: func(dir string) error { _, err := keys.IndexMaster(dir, true); return err }})
			list = append(list, partyKeys("bureau", keyEd25519("bureau"), true)...)
		case "payment":
			for _, e := range channelsOf(cfg) {
				list = append(list, partyKeys(e.Name, e.MakeKey, false)...)
			}
		case "notify":
			list = append(list, partyKeys("sms", keyEd25519("sms"), false)...)
		}
	}
	for i := range list {
		list[i].State = stateOf(cfg.KeysDir, list[i])
	}
	return list
}

func keyEd25519(party string) func(dir string) error {
	return func(dir string) error { _, err := keys.Ed25519(dir, "merchant-"+party, true); return err }
}

func partyKeys(party string, pair func(dir string) error, atStart bool) []Key {
	own := "merchant-" + party
	return []Key{
		{File: own + ".key", For: "what we say to " + party + "; they get " + own + ".pub", make: pair, atStart: true},
		{File: "party-" + party + ".pub", For: "what " + party + " says to us; " + party + " gives it to you", atStart: atStart},
	}
}

func stateOf(dir string, k Key) string {
	info, err := os.Stat(filepath.Join(dir, k.File))
	switch {
	case err != nil && k.make == nil:
		return KeyAwaited
	case err != nil:
		return KeyMissing
	case k.make != nil && info.Mode().Perm()&0o077 != 0:
		return KeyExposed
	}
	return KeyThere
}

// MakeKeys makes what is missing and answers the files that it made. What is there stays as it is. It makes no master key
// beside data that was written under another one.
func MakeKeys(cfg *config.Config) ([]string, error) {
	if err := os.MkdirAll(cfg.KeysDir, 0o700); err != nil {
		return nil, fmt.Errorf("keys_dir: %s cannot be made; choose another folder or give the right to write: %w", cfg.KeysDir, err)
	}
	var made []string
	for _, k := range Keys(cfg) {
		if k.State != KeyMissing {
			continue
		}
		if strings.HasPrefix(k.File, "user.kek") || strings.HasPrefix(k.File, "user.index") {
			if err := newData(cfg, k.File); err != nil {
				return made, err
			}
		}
		if err := k.make(cfg.KeysDir); err != nil {
			return made, fmt.Errorf("keys_dir: %s in %s cannot be made: %w", k.File, cfg.KeysDir, err)
		}
		made = append(made, k.File)
	}
	return made, nil
}

// newData refuses a master key for a database of user that exists already: its values are under another one.
func newData(cfg *config.Config, file string) error {
	db := cfg.Database("user")
	if db.Engine != "sqlite" {
		return nil // the tables of a server are not looked at
	}
	if _, err := os.Stat(db.Path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("keys_dir: %s is missing in %s but %s exists: its personal values can be read with the old key only; bring that file back from your backup, or begin with a new data_dir",
		file, cfg.KeysDir, db.Path)
}

// checkKeys finds every key without which the services would not start, before anything is touched.
func checkKeys(cfg *config.Config) error {
	lists := map[string][]string{}
	for _, k := range Keys(cfg) {
		if k.atStart {
			lists[k.State] = append(lists[k.State], k.File)
		}
	}
	var found []error
	for _, of := range []struct{ state, remedy string }{
		{KeyMissing, "`hengdai keys make` makes them"},
		{KeyExposed, "others can read them; `chmod 600` them"},
		{KeyAwaited, "put there what the party gave you"},
	} {
		if files := lists[of.state]; len(files) > 0 {
			found = append(found, fmt.Errorf("keys_dir %s: %s %s: %s", cfg.KeysDir, strings.Join(files, ", "), of.state, of.remedy))
		}
	}
	return errors.Join(found...)
}
