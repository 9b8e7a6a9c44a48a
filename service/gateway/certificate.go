package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
)

const (
	certLife  = 825 * 24 * time.Hour
	certRenew = 30 * 24 * time.Hour
)

// TLS answers the configuration of the public address with a certificate.
func TLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
}

// SelfMade answers a certificate for this machine that nobody else vouches for, kept in the keys folder: for the
// sandbox profile. It is made when there is none or it ends soon. Its file, gateway-tls.crt, is what a client of the
// sandbox trusts.
func SelfMade(dir string) (tls.Certificate, error) {
	certFile, keyFile := filepath.Join(dir, "gateway-tls.crt"), filepath.Join(dir, "gateway-tls.key")
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err == nil && cert.Leaf != nil && cert.Leaf.NotAfter.Sub(clock.Real()) > certRenew {
		return cert, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return tls.Certificate{}, fmt.Errorf("reading the certificate: %w", err)
	}
	if err := makeCertificate(dir, certFile, keyFile); err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate: %w", err)
	}
	if cert, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		return tls.Certificate{}, fmt.Errorf("reading the certificate: %w", err)
	}
	return cert, nil
}

func makeCertificate(dir, certFile, keyFile string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	now := clock.Real()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "localhost", Organization: []string{"hengdai sandbox"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644) //nolint:gosec // it is public
}
