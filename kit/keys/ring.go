package keys

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Ring is what one process holds: its own private keys, and the public keys of the others in the same folder.
type Ring struct {
	dir     string
	process string
	signing ed25519.PrivateKey
	sealing *ecdh.PrivateKey

	mu    sync.Mutex
	peers map[string]peer // public signing keys by process
}

type peer struct {
	key      ed25519.PublicKey
	modified time.Time
}

// Open reads the keys of a process; with create it makes those that are missing. create belongs to the sandbox profile
// and to `hengdai keys`: in production a missing key is an error (ErrNoKey).
func Open(dir, process string, create bool) (*Ring, error) {
	signing, err := Ed25519(dir, signName(process), create)
	if err != nil {
		return nil, fmt.Errorf("signing key of %s: %w", process, err)
	}
	key, err := pair(dir, sealName(process), create, func() (any, error) { return ecdh.X25519().GenerateKey(rand.Reader) })
	if err != nil {
		return nil, fmt.Errorf("sealing key of %s: %w", process, err)
	}
	sealing, ok := key.(*ecdh.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("keys: %s.key is no X25519 key", sealName(process))
	}
	return &Ring{dir: dir, process: process, signing: signing, sealing: sealing, peers: map[string]peer{}}, nil
}

// Process answers whose ring it is.
func (r *Ring) Process() string { return r.process }

// Sign signs b as this process.
func (r *Ring) Sign(b []byte) []byte { return ed25519.Sign(r.signing, b) }

// Verify reports whether process signed b. An unknown process signed nothing. A key that was replaced on disk is read
// anew.
func (r *Ring) Verify(process string, b, sig []byte) bool {
	known, fresh := r.peer(process, false)
	if known == nil {
		return false
	}
	if ed25519.Verify(known, b, sig) {
		return true
	}
	if fresh {
		return false
	}
	if known, fresh = r.peer(process, true); !fresh || known == nil {
		return false
	}
	return ed25519.Verify(known, b, sig)
}

// PublicSeal answers the public key to which values for a process are sealed; nil if the process has none.
func (r *Ring) PublicSeal(process string) []byte {
	key, err := public(r.dir, sealName(process))
	if err != nil {
		return nil
	}
	pub, ok := key.(*ecdh.PublicKey)
	if !ok {
		return nil
	}
	return pub.Bytes()
}

// OpenSealed opens what was sealed to this process.
func (r *Ring) OpenSealed(sealed []byte) ([]byte, error) {
	return openWith(r.sealing, sealed)
}

// peer answers a public signing key and whether it was read from disk just now. again asks to read it if its file
// changed since.
func (r *Ring) peer(process string, again bool) (ed25519.PublicKey, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	held, ok := r.peers[process]
	if ok && !again {
		return held.key, false
	}
	modified, err := r.modified(process)
	if err != nil || (ok && modified.Equal(held.modified)) {
		return held.key, false
	}
	key, err := PublicEd25519(r.dir, signName(process))
	if err != nil {
		return nil, false
	}
	r.peers[process] = peer{key: key, modified: modified}
	return key, true
}

func (r *Ring) modified(process string) (time.Time, error) {
	path, err := pathOf(r.dir, signName(process), ".pub")
	if err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, errors.Join(ErrNoKey, err)
	}
	return info.ModTime(), nil
}

func signName(process string) string { return process + ".sign" }
func sealName(process string) string { return process + ".seal" }
