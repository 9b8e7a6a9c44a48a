package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// addressOf answers the network address a request comes from: that of the connection, or, if it is a proxy we trust,
// the last one in X-Forwarded-For that is not. Anybody else may write into that header what he likes; it is not read.
func (s *Service) addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if !s.trusted(host) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		addr, err := netip.ParseAddr(hop)
		if err != nil {
			return host
		}
		if !s.trusted(hop) {
			return addr.Unmap().String()
		}
	}
	return host
}

func (s *Service) trusted(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, network := range s.deps.TrustedProxies {
		if network.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// addressKey is what limits count by: the address, of IPv6 the network of one customer.
func addressKey(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Unmap().Is4() {
		return address
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
