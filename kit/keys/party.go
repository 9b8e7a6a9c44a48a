package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
)

const (
	privateKind = "PRIVATE KEY"
	publicKind  = "PUBLIC KEY"
	rsaBits     = 2048
)

// Ed25519 answers a named signing key. With create it is made, and its public file published, if missing.
func Ed25519(dir, name string, create bool) (ed25519.PrivateKey, error) {
	key, err := pair(dir, name, create, func() (any, error) {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	})
	if err != nil {
		return nil, err
	}
	signer, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("keys: %s.key is no Ed25519 key", name)
	}
	return signer, nil
}

// PublicEd25519 answers the public part, by which others' signatures are checked.
func PublicEd25519(dir, name string) (ed25519.PublicKey, error) {
	key, err := public(dir, name)
	if err != nil {
		return nil, err
	}
	pub, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("keys: %s.pub is no Ed25519 key", name)
	}
	return pub, nil
}

// RSA answers a named RSA key of 2048 bits, for parties whose protocol wants one.
func RSA(dir, name string, create bool) (*rsa.PrivateKey, error) {
	key, err := pair(dir, name, create, func() (any, error) { return rsa.GenerateKey(rand.Reader, rsaBits) })
	if err != nil {
		return nil, err
	}
	signer, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("keys: %s.key is no RSA key", name)
	}
	return signer, nil
}

// PublicRSA answers the public part of a named RSA key.
func PublicRSA(dir, name string) (*rsa.PublicKey, error) {
	key, err := public(dir, name)
	if err != nil {
		return nil, err
	}
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("keys: %s.pub is no RSA key", name)
	}
	return pub, nil
}

// pair reads a private key in PKCS8, or makes it; with create its public file is there afterwards.
func pair(dir, name string, create bool, fresh func() (any, error)) (any, error) {
	der, err := private(dir, name, privateKind, create, func() ([]byte, error) {
		key, err := fresh()
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(key)
	})
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", name, err)
	}
	if !create {
		return key, nil
	}
	var pub crypto.PublicKey
	switch k := key.(type) {
	case interface{ Public() crypto.PublicKey }:
		pub = k.Public()
	default:
		return nil, fmt.Errorf("keys: %s.key is of an unknown kind", name)
	}
	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("publishing key %s: %w", name, err)
	}
	return key, publish(dir, name, pubDER)
}

func public(dir, name string) (any, error) {
	path, err := pathOf(dir, name, ".pub")
	if err != nil {
		return nil, err
	}
	der, err := readBlock(path, publicKind)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s.pub", ErrNoKey, name)
	}
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading public key %s: %w", name, err)
	}
	return key, nil
}
