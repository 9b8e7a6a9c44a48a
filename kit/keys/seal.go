package keys

import (
	"crypto/ecdh"
	"crypto/hpke"
	"fmt"
)

// sealInfo binds a sealed value to this use of the keys.
var sealInfo = []byte("hengdai seal v1")

// SealTo seals plain to a public sealing key (Ring.PublicSeal) by HPKE: X25519, HKDF-SHA256, AES-256-GCM.
func SealTo(publicKey, plain []byte) ([]byte, error) {
	pub, err := ecdh.X25519().NewPublicKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("keys: no public sealing key: %w", err)
	}
	to, err := hpke.NewDHKEMPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("preparing to seal: %w", err)
	}
	sealed, err := hpke.Seal(to, hpke.HKDFSHA256(), hpke.AES256GCM(), sealInfo, plain)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return sealed, nil
}

func openWith(private *ecdh.PrivateKey, sealed []byte) ([]byte, error) {
	key, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("preparing to open: %w", err)
	}
	plain, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), sealInfo, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening a sealed value: %w", err)
	}
	return plain, nil
}
