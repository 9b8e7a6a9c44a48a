package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Profile says what a process may do.
type Profile string

// The profiles. Sandbox has the sandbox parties, a clock that can be moved and demo staff; production has none of it.
const (
	Sandbox    Profile = "sandbox"
	Production Profile = "production"
)

// Services are the names of all services, in the order in which they start.
var Services = []string{"user", "risk", "payment", "loan", "notify", "collection", "report", "gateway"}

// Outside in place of services makes a process that serves the sandbox's outside parties and nothing else.
const Outside = "sandbox"

// Places are the base URLs of outside parties by name. Which names there are is known to the program's tables of channels,
// not here.
type Places map[string]string

// sandboxServer is the key of Places at which a sandbox in another process is reached.
const sandboxServer = "sandbox"

// Config is everything that can be set.
type Config struct {
	// Profile is "sandbox" or "production".
	Profile Profile `yaml:"profile"`
	// DataDir holds the databases, files and logs of the process.
	DataDir string `yaml:"data_dir"`
	// KeysDir holds the keys; it must not lie inside the data folder. Empty means data_dir + ".keys".
	KeysDir string `yaml:"keys_dir"`
	// Services are those that run in this process; empty means all, "sandbox" alone means none but the outside parties.
	Services []string `yaml:"services"`
	// Listen says at which addresses.
	Listen Listen `yaml:"listen"`
	// Peers are the base URLs of services that run elsewhere.
	Peers map[string]string `yaml:"peers"`
	// Databases says where each service keeps its rows; one that is not named has an SQLite file in the data folder.
	Databases map[string]Database `yaml:"databases"`
	// Parties are the base URLs of outside parties. In the sandbox profile they follow from listen.sandbox, or from the
	// entry "sandbox" if the sandbox server runs in another process.
	Parties Places `yaml:"parties"`
	// CallbackBase is the base URL at which outside parties reach the gateway.
	CallbackBase string `yaml:"callback_base"`
	// Limits protect the entrance.
	Limits Limits `yaml:"limits"`
	// Telemetry says what is told of the process.
	Telemetry Telemetry `yaml:"telemetry"`
}

// Listen is the addresses of a process. An empty one is not served.
type Listen struct {
	// PublicHTTP serves people and browsers on loopback; production leaves it empty.
	PublicHTTP string `yaml:"public_http"`
	// PublicHTTPS serves everybody.
	PublicHTTPS string `yaml:"public_https"`
	// CertFile and KeyFile are the certificate of PublicHTTPS; without them the sandbox profile makes its own.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Internal is where a service of this process listens for its peers; needed only with several processes.
	Internal map[string]string `yaml:"internal"`
	// Ops serves measures, health and profiles; loopback or a private network only.
	Ops string `yaml:"ops"`
	// Sandbox serves the outside parties of the sandbox profile.
	Sandbox string `yaml:"sandbox"`
	// TrustedProxies are networks (CIDR) whose X-Forwarded-For is believed; none by default.
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// Database says where one service keeps its rows.
type Database struct {
	// Engine is "sqlite" or "mysql".
	Engine string `yaml:"engine"`
	// Path is the SQLite file; empty means <data_dir>/<service>.db.
	Path string `yaml:"path"`
	// DSN is the primary of a MySQL-like server, "user:password@tcp(host:port)/database".
	DSN string `yaml:"dsn"`
	// ReadDSN is a replica to read from; empty means the primary.
	ReadDSN string `yaml:"read_dsn"`
}

// Rate is how often something may be done: so many a minute, so many at once.
type Rate struct {
	PerMinute int64 `yaml:"per_minute"`
	Burst     int64 `yaml:"burst"`
}

// Limits protect the entrance.
type Limits struct {
	// Address limits all requests of one network address.
	Address Rate `yaml:"address"`
	// Anonymous limits the requests of one address that carry no session.
	Anonymous Rate `yaml:"anonymous"`
	// SignIn limits codes and sign-ins of one address.
	SignIn Rate `yaml:"sign_in"`
	// Borrower and Staff limit one signed-in person.
	Borrower Rate `yaml:"borrower"`
	Staff    Rate `yaml:"staff"`
	// Callback limits each outside party.
	Callback Rate `yaml:"callback"`
	// MaxBodyBytes limits one request.
	MaxBodyBytes int64 `yaml:"max_body_bytes"`
	// Concurrent is the most requests that are worked on at once; the limiter goes below it when answers get slow.
	Concurrent int64 `yaml:"concurrent"`
	// RequestTimeout ends one request.
	RequestTimeout Duration `yaml:"request_timeout"`
}

// Telemetry says what is told of the process.
type Telemetry struct {
	// Level is "debug", "info", "warn" or "error".
	Level string `yaml:"level"`
	// OTLPEndpoint is the base URL of a trace collector; empty: traces are not kept.
	OTLPEndpoint string `yaml:"otlp_endpoint"`
	// TracesFile is a file to which spans are appended as JSON lines, for `hengdai trace`; empty: none.
	TracesFile string `yaml:"traces_file"`
	// SamplePPM is how many of a million traces are kept.
	SamplePPM int64 `yaml:"sample_ppm"`
}

// Duration is a time.Duration that is written "10s".
type Duration time.Duration

// UnmarshalText reads "10s".
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("want a duration such as 10s or 1m30s")
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText writes "10s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Default is the configuration of a sandbox on loopback.
func Default() *Config {
	return &Config{
		Profile: Sandbox,
		DataDir: "./data",
		Listen: Listen{
			PublicHTTP: "localhost:8080", PublicHTTPS: "127.0.0.1:8443", Ops: "127.0.0.1:9090", Sandbox: "127.0.0.1:8090",
		},
		Limits: Limits{
			Address: Rate{6000, 1000}, Anonymous: Rate{300, 100}, SignIn: Rate{30, 15}, Borrower: Rate{300, 100},
			Staff: Rate{6000, 1000}, Callback: Rate{60_000, 5000}, MaxBodyBytes: 1 << 20, Concurrent: 512, RequestTimeout: Duration(15 * time.Second),
		},
		Telemetry: Telemetry{Level: "info", SamplePPM: 1_000_000},
	}
}

// fill completes what follows from other keys.
func (c *Config) fill() {
	if c.KeysDir == "" {
		c.KeysDir = filepath.Clean(c.DataDir) + ".keys"
	}
	if len(c.Services) == 0 {
		c.Services = slices.Clone(Services)
	}
	if c.CallbackBase == "" && c.Listen.PublicHTTP != "" {
		c.CallbackBase = "http://" + c.Listen.PublicHTTP
	}
}

// Party answers the base URL of an outside party: what is set for it, else in the sandbox profile its place in the sandbox
// server; empty if neither is there.
func (c *Config) Party(name string) string {
	if at := c.Parties[name]; at != "" {
		return at
	}
	server := c.Parties[sandboxServer]
	if c.Listen.Sandbox != "" {
		server = "http://" + c.Listen.Sandbox
	}
	if c.Profile != Sandbox || server == "" {
		return ""
	}
	return strings.TrimSuffix(server, "/") + "/" + name
}

// OnlyParties refuses parties that are not among those the program knows: a name that is misspelt would leave its party
// without a place.
func (c *Config) OnlyParties(known ...string) error {
	k := &checker{}
	for _, party := range slices.Sorted(maps.Keys(c.Parties)) {
		k.oneOf("parties", party, append(slices.Clone(known), sandboxServer))
	}
	return errors.Join(k.found...)
}

// Runs says whether a service runs in this process.
func (c *Config) Runs(service string) bool { return slices.Contains(c.Services, service) }

// Database answers where a service keeps its rows.
func (c *Config) Database(service string) Database {
	db := c.Databases[service]
	if db.Engine == "" {
		db.Engine = "sqlite"
	}
	if db.Engine == "sqlite" && db.Path == "" {
		db.Path = filepath.Join(c.DataDir, service+".db")
	}
	return db
}

// LogValue keeps secrets out of logs.
func (c *Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// maskDSN hides the password of "user:password@tcp(host)/db".
func maskDSN(dsn string) string {
	at := strings.LastIndex(dsn, "@")
	if at < 0 {
		return dsn
	}
	user, _, found := strings.Cut(dsn[:at], ":")
	if !found {
		return dsn
	}
	return user + ":***" + dsn[at:]
}

// maskURL hides what stands before the @ of a URL.
func maskURL(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if at := strings.LastIndex(rest, "@"); ok && at >= 0 {
		return scheme + "://***" + rest[at:]
	}
	return raw
}
