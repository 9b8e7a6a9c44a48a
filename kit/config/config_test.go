package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hengdai/hengdai/kit/config"
)

func load(t *testing.T, yaml string, environ ...string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hengdai.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, environ)
}

func TestNothingAtAllIsAWholeSandbox(t *testing.T) {
	c, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Profile != config.Sandbox || c.KeysDir != "data.keys" || len(c.Services) != 8 || c.Party("alpha") != "http://127.0.0.1:8090/alpha" ||
		c.CallbackBase != "http://localhost:8080" || c.Database("loan") != (config.Database{Engine: "sqlite", Path: "data/loan.db"}) {
		t.Fatalf("%s", c)
	}
}

func TestAWrongKeyIsNamedWithItsLineAndWhatWouldBeRight(t *testing.T) {
	for yaml, want := range map[string]string{
		"profile: sandbox\nlisten:\n  public_htp: x\n":      "line 3: unknown key listen.public_htp; known are public_http,",
		"profil: sandbox\n":                                 "line 1: unknown key profil; known are profile,",
		"profile: test\n":                                   `profile: "test" is wrong: want sandbox or production`,
		"limits:\n  borrower:\n    per_minute: many\n":      `line 3: limits.borrower.per_minute: "many" is wrong: want a whole number`,
		"limits:\n  request_timeout: 5\n":                   `line 2: limits.request_timeout: "5" is wrong: want a duration`,
		"services: loan\n":                                  `line 1: services: "loan" is wrong: want a list`,
		"services: [lone]\n":                                `services[0]: "lone" is wrong: want one of user,`,
		"profile: production\nservices: [sandbox]\n":        `services: "sandbox" is wrong: want services only in the production profile`,
		"listen:\n  ops: 9090\n":                            `listen.ops: "9090" is wrong: want host:port`,
		"listen:\n  public_http: 0.0.0.0:80\n":              `listen.public_http: "0.0.0.0:80" is wrong: want an address on loopback`,
		"peers:\n  loan: localhost:9000\n":                  `peers.loan: "localhost:9000" is wrong: want http://host:port`,
		"databases:\n  loan:\n    engine: oracle\n":         `databases.loan.engine: "oracle" is wrong: want sqlite or mysql`,
		"databases:\n  loan: {engine: mysql, dsn: nope}\n":  `databases.loan.dsn: "nope" is wrong: want user:password@tcp(host:port)/database`,
		"data_dir: /var/h\nkeys_dir: /var/h/keys\n":         `keys_dir: "/var/h/keys" is wrong: want a folder outside of data_dir`,
		"listen:\n  trusted_proxies: [10.0.0.1]\n":          `listen.trusted_proxies[0]: "10.0.0.1" is wrong: want a network`,
		"telemetry: {level: loud}\n":                        `telemetry.level: "loud" is wrong`,
		"limits: {sign_in: {per_minute: 0}}\n":              `limits.sign_in.per_minute: "0" is wrong: want 1 to`,
		"profile: [\n":                                      "not YAML",
		"profile: production\n":                             `listen.sandbox: "127.0.0.1:8090" is wrong: want "" in the production profile`,
		"profile: production\nparties: {sms: http://x.y}\n": `parties.sms: "http://x.y" is wrong: want https://`,
	} {
		if _, err := load(t, yaml); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", yaml, err, want)
		}
	}
}

func TestEveryWrongKeyIsReportedAtOnce(t *testing.T) {
	_, err := load(t, "profile: test\ntelemetry: {level: loud}\nlisten: {ops: x}\n")
	if err == nil || strings.Count(err.Error(), "is wrong") != 3 {
		t.Fatalf("got %v", err)
	}
}

func TestTheEnvironmentStandsAboveTheFile(t *testing.T) {
	c, err := load(t, "listen: {ops: 127.0.0.1:1}\ndatabases: {loan: {engine: mysql, dsn: 'u:p@tcp(h:1)/a'}}\n",
		"HENGDAI_LISTEN_OPS=127.0.0.1:2", "HENGDAI_DATABASES_LOAN_DSN=u:secret@tcp(h:2)/b", "HENGDAI_SERVICES=loan, user",
		"HENGDAI_LIMITS_BORROWER_PER_MINUTE=7", "HENGDAI_LIMITS_REQUEST_TIMEOUT=3s", "HENGDAI_PEERS_RISK=http://127.0.0.1:9",
		"HENGDAI_LISTEN_INTERNAL_USER=127.0.0.1:9101", "HENGDAI_TEST_MYSQL_DSN=x", "HENGDAI_CONFIG=y", "PATH=/bin")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen.Ops != "127.0.0.1:2" || c.Databases["loan"].DSN != "u:secret@tcp(h:2)/b" || c.Databases["loan"].Engine != "mysql" ||
		!c.Runs("user") || c.Runs("risk") || c.Limits.Borrower.PerMinute != 7 || time.Duration(c.Limits.RequestTimeout) != 3*time.Second ||
		c.Peers["risk"] != "http://127.0.0.1:9" || c.Listen.Internal["user"] != "127.0.0.1:9101" {
		t.Fatalf("%s", c)
	}
	for _, variable := range []string{"HENGDAI_LISTEN_OPZ=x", "HENGDAI_PEERS_NOBODY=x", "HENGDAI_PROFILE_X=x", "HENGDAI_LIMITS=x", "HENGDAI_LIMITS_CONCURRENT=many"} {
		name, _, _ := strings.Cut(variable, "=")
		if _, err := load(t, "", variable); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", variable, err)
		}
	}
}

func TestASandboxInAnotherProcessGivesItsPartiesTheirPlaces(t *testing.T) {
	c, err := load(t, "listen: {sandbox: ''}\nparties: {sms: 'http://127.0.0.1:5/sms'}\n", "HENGDAI_PARTIES_SANDBOX=http://127.0.0.1:7/")
	if err != nil || c.Party("alpha") != "http://127.0.0.1:7/alpha" || c.Party("sms") != "http://127.0.0.1:5/sms" {
		t.Fatalf("%v %v", c, err)
	}
	if err := c.OnlyParties("alpha", "sms"); err != nil {
		t.Error(err)
	}
}

func TestAPartyThatTheProgramDoesNotKnowIsNamed(t *testing.T) {
	for _, environ := range []string{"HENGDAI_PARTIES_ALFA=http://127.0.0.1:7", "HENGDAI_PARTIES_SMS=http://127.0.0.1:8"} {
		c, err := load(t, "", environ)
		if err != nil {
			t.Fatal(err)
		}
		err = c.OnlyParties("alpha", "sms")
		if wrong := strings.Contains(environ, "ALFA"); wrong != (err != nil) {
			t.Errorf("%s: %v", environ, err)
		} else if wrong && !strings.Contains(err.Error(), `parties: "alfa" is wrong: want one of alpha, sms, sandbox`) {
			t.Errorf("%s: %v", environ, err)
		}
	}
	if _, err := load(t, "parties: {a_b: 'http://127.0.0.1:5'}\n"); err == nil || !strings.Contains(err.Error(), "parties") {
		t.Errorf("a name that no party has: %v", err)
	}
}

func TestAProductionProfileHasNoPartyByItself(t *testing.T) {
	c, err := load(t, "profile: production\nservices: [loan]\nlisten: {sandbox: ''}\nparties: {alpha: 'https://alpha.example'}\n")
	if err != nil || c.Party("alpha") != "https://alpha.example" || c.Party("beta") != "" {
		t.Fatalf("%v %v", c, err)
	}
}

func TestWhatIsShownHoldsNoPassword(t *testing.T) {
	c, err := load(t, `
databases:
  loan: {engine: mysql, dsn: "u:s3cret:with@sign@tcp(h:1)/a", read_dsn: "u:s3cret@tcp(h:2)/a"}
peers: {risk: "http://u:s3cret@h:1"}
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{c.String(), c.LogValue().String()} {
		if strings.Contains(text, "s3cret") || !strings.Contains(text, "u:***@tcp(h:1)/a") || !strings.Contains(text, "request_timeout: 15s") {
			t.Fatalf("shown: %s", text)
		}
	}
	again, err := load(t, strings.NewReplacer("u:***@", "u:p@", "//***@", "//").Replace(c.String()))
	if err != nil || again.Listen.Ops != c.Listen.Ops {
		t.Fatalf("what is shown cannot be read again: %v", err)
	}
}
