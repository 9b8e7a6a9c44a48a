package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Check finds every wrong key. Each line of the error names one, with its value and what would be right.
func (c *Config) Check() error {
	k := &checker{}
	if c.Profile != Sandbox && c.Profile != Production {
		k.wrong("profile", string(c.Profile), "sandbox or production")
	}
	if c.DataDir == "" {
		k.wrong("data_dir", "", "a folder")
	}
	if inside(c.KeysDir, c.DataDir) {
		k.wrong("keys_dir", c.KeysDir, "a folder outside of data_dir, so that a copy of the data does not hold its keys")
	}
	for i, s := range c.Services {
		k.oneOf(fmt.Sprintf("services[%d]", i), s, append(slices.Clone(Services), Outside))
	}
	c.checkListen(k)
	c.checkPlaces(k)
	c.checkLimits(k)
	k.oneOf("telemetry.level", c.Telemetry.Level, []string{"debug", "info", "warn", "error"})
	if c.Telemetry.OTLPEndpoint != "" {
		k.url("telemetry.otlp_endpoint", c.Telemetry.OTLPEndpoint)
	}
	if c.Telemetry.SamplePPM < 0 || c.Telemetry.SamplePPM > 1_000_000 {
		k.wrong("telemetry.sample_ppm", fmt.Sprint(c.Telemetry.SamplePPM), "0 to 1000000")
	}
	if c.Profile == Production {
		c.checkProduction(k)
	}
	return errors.Join(k.found...)
}

func (c *Config) checkListen(k *checker) {
	for _, a := range []struct{ key, value string }{
		{"listen.public_http", c.Listen.PublicHTTP}, {"listen.public_https", c.Listen.PublicHTTPS},
		{"listen.ops", c.Listen.Ops}, {"listen.sandbox", c.Listen.Sandbox},
	} {
		if a.value != "" {
			k.address(a.key, a.value)
		}
	}
	if c.Listen.PublicHTTP != "" && !isLoopback(c.Listen.PublicHTTP) {
		k.wrong("listen.public_http", c.Listen.PublicHTTP, "an address on loopback; plain HTTP is for this machine only, others use listen.public_https")
	}
	if c.Listen.Sandbox != "" && !isLoopback(c.Listen.Sandbox) {
		k.wrong("listen.sandbox", c.Listen.Sandbox, "an address on loopback")
	}
	for _, service := range slices.Sorted(maps.Keys(c.Listen.Internal)) {
		k.oneOf("listen.internal", service, Services)
		k.address("listen.internal."+service, c.Listen.Internal[service])
	}
	if (c.Listen.CertFile == "") != (c.Listen.KeyFile == "") {
		k.wrong("listen.cert_file", c.Listen.CertFile, "listen.cert_file and listen.key_file together, or neither")
	}
	for i, network := range c.Listen.TrustedProxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			k.wrong(fmt.Sprintf("listen.trusted_proxies[%d]", i), network, "a network such as 10.0.0.0/8")
		}
	}
}

var partyName = regexp.MustCompile(`^[a-z]{2,16}$`)

func (c *Config) checkPlaces(k *checker) {
	for _, service := range slices.Sorted(maps.Keys(c.Peers)) {
		k.oneOf("peers", service, Services)
		k.url("peers."+service, c.Peers[service])
	}
	for _, party := range slices.Sorted(maps.Keys(c.Parties)) {
		if !partyName.MatchString(party) {
			k.wrong("parties", party, "a name of 2 to 16 small letters")
		}
		k.url("parties."+party, c.Parties[party])
	}
	if c.CallbackBase != "" {
		k.url("callback_base", c.CallbackBase)
	}
	for _, service := range slices.Sorted(maps.Keys(c.Databases)) {
		k.oneOf("databases", service, Services)
		db := c.Databases[service]
		key := "databases." + service
		switch db.Engine {
		case "", "sqlite":
			if db.DSN != "" || db.ReadDSN != "" {
				k.wrong(key+".dsn", maskDSN(db.DSN), "engine: mysql with it; SQLite has a path")
			}
		case "mysql":
			if !strings.Contains(db.DSN, "@") || !strings.Contains(db.DSN, "/") {
				k.wrong(key+".dsn", maskDSN(db.DSN), "user:password@tcp(host:port)/database")
			}
			if db.ReadDSN != "" && (!strings.Contains(db.ReadDSN, "@") || !strings.Contains(db.ReadDSN, "/")) {
				k.wrong(key+".read_dsn", maskDSN(db.ReadDSN), "user:password@tcp(host:port)/database")
			}
		default:
			k.wrong(key+".engine", db.Engine, "sqlite or mysql")
		}
	}
}

func (c *Config) checkLimits(k *checker) {
	for _, r := range []struct {
		key  string
		rate Rate
	}{
		{"address", c.Limits.Address}, {"anonymous", c.Limits.Anonymous}, {"sign_in", c.Limits.SignIn},
		{"borrower", c.Limits.Borrower}, {"staff", c.Limits.Staff}, {"callback", c.Limits.Callback},
	} {
		k.between("limits."+r.key+".per_minute", r.rate.PerMinute, 1, 100_000_000)
		k.between("limits."+r.key+".burst", r.rate.Burst, 1, 10_000_000)
	}
	k.between("limits.max_body_bytes", c.Limits.MaxBodyBytes, 1024, 64<<20)
	k.between("limits.concurrent", c.Limits.Concurrent, 1, 1_000_000)
	if d := time.Duration(c.Limits.RequestTimeout); d < time.Millisecond || d > 5*time.Minute {
		k.wrong("limits.request_timeout", d.String(), "1ms to 5m")
	}
}

// checkProduction refuses what belongs to the sandbox.
func (c *Config) checkProduction(k *checker) {
	if c.Listen.Sandbox != "" {
		k.wrong("listen.sandbox", c.Listen.Sandbox, `"" in the production profile`)
	}
	if c.Parties[sandboxServer] != "" {
		k.wrong("parties.sandbox", maskURL(c.Parties[sandboxServer]), "no such entry in the production profile")
	}
	if c.Runs(Outside) {
		k.wrong("services", Outside, "services only in the production profile")
	}
	if c.Runs("gateway") && c.Listen.CertFile == "" {
		k.wrong("listen.cert_file", "", "a certificate; the production profile makes none itself")
	}
	for _, need := range []struct{ service, party string }{{"user", "bureau"}, {"notify", "sms"}} {
		if c.Runs(need.service) && c.Parties[need.party] == "" {
			k.wrong("parties."+need.party, "", "the base URL of the party, which "+need.service+" asks; in the production profile nothing stands in for it")
		}
	}
	if u, err := url.Parse(c.CallbackBase); c.Runs("payment") && (err != nil || u.Scheme != "https") {
		k.wrong("callback_base", maskURL(c.CallbackBase), "https:// and the name at which the payment channels reach the gateway")
	}
	for _, party := range slices.Sorted(maps.Keys(c.Parties)) {
		if u, err := url.Parse(c.Parties[party]); err == nil && u.Scheme != "https" {
			k.wrong("parties."+party, maskURL(c.Parties[party]), "https:// in the production profile")
		}
	}
}

// String is the configuration in force as YAML, with secrets masked.
func (c *Config) String() string {
	shown := *c
	shown.Databases = map[string]Database{}
	for name, db := range c.Databases {
		db.DSN, db.ReadDSN = maskDSN(db.DSN), maskDSN(db.ReadDSN)
		shown.Databases[name] = db
	}
	shown.Parties, shown.Peers = maskURLs(c.Parties), maskURLs(c.Peers)
	shown.Telemetry.OTLPEndpoint = maskURL(c.Telemetry.OTLPEndpoint)
	out, err := yaml.Marshal(&shown)
	if err != nil {
		return "configuration cannot be shown"
	}
	return string(out)
}

func maskURLs(in map[string]string) map[string]string {
	out := make(map[string]string, len(in))
	for name, u := range in {
		out[name] = maskURL(u)
	}
	return out
}

type checker struct{ found []error }

func (k *checker) wrong(key, value, want string) {
	k.found = append(k.found, fmt.Errorf("%s: %q is wrong: want %s", key, value, want))
}

func (k *checker) oneOf(key, value string, allowed []string) {
	if !slices.Contains(allowed, value) {
		k.wrong(key, value, "one of "+strings.Join(allowed, ", "))
	}
}

func (k *checker) between(key string, value, low, high int64) {
	if value < low || value > high {
		k.wrong(key, fmt.Sprint(value), fmt.Sprintf("%d to %d", low, high))
	}
}

func (k *checker) address(key, value string) {
	if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
		k.wrong(key, value, "host:port")
	}
}

func (k *checker) url(key, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		k.wrong(key, maskURL(value), "http://host:port or https://host:port")
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" {
		return true // a broken address is reported as such
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func inside(path, folder string) bool {
	a, errA := filepath.Abs(path)
	b, errB := filepath.Abs(folder)
	if errA != nil || errB != nil {
		return false
	}
	rel, err := filepath.Rel(b, a)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
