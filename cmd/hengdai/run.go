package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/telemetry"
	"github.com/hengdai/hengdai/node"
)

// demoBook is what `run --demo-book` lends before a person looks: a few applicants, a few weeks.
const (
	demoBookRows = 24
	demoBookDays = 75
)

func runNode(ctx context.Context, args []string, out io.Writer) error {
	set := flags("run", out)
	file := set.String("config", "", "configuration file (YAML); empty: HENGDAI_CONFIG, and without that everything has a default")
	services := set.String("services", "", "services of this process, separated by commas; empty: as configured, else all")
	dataDir := set.String("data", "", "data folder; empty: as configured")
	book := set.Bool("demo-book", false, "sandbox profile, new data folder: lend a small book before opening")
	rows := set.String("applicants", filepath.Join("testdata", "credit", "south_german_credit.csv"), "applicants of the small book")
	logFile := set.String("log", "", "file for the log; empty: standard error")
	if err := parse(set, args); err != nil {
		return err
	}
	cfg, err := load(*file, *dataDir, *services)
	if err != nil {
		return err
	}
	tel, closeLog, err := telemetryOf(ctx, cfg, *logFile)
	if err != nil {
		return err
	}
	defer closeLog()
	_, statErr := os.Stat(filepath.Join(cfg.DataDir, "user.db"))
	fresh := errors.Is(statErr, fs.ErrNotExist)

	from := clock.Real()
	n, err := node.Start(ctx, cfg, tel, version)
	if err != nil {
		return err
	}
	tel.Logger.InfoContext(ctx, "ready", "ms", clock.Since(from).Milliseconds(), "services", strings.Join(cfg.Services, ","))
	if *book && fresh {
		if err := lendBook(ctx, cfg, n, *rows, out); err != nil {
			return errors.Join(err, n.Close())
		}
	}
	welcome(ctx, cfg, n, out)
	return errors.Join(n.Wait(ctx), n.Close())
}

// load reads the configuration; what is said on the command line goes over it.
func load(file, dataDir, services string) (*config.Config, error) {
	environ := os.Environ()
	for name, value := range map[string]string{"HENGDAI_DATA_DIR": dataDir, "HENGDAI_SERVICES": services} {
		if value != "" {
			environ = over(environ, name, value)
		}
	}
	return config.Load(file, environ)
}

// over sets a variable in place of one that is there.
func over(environ []string, name, value string) []string {
	environ = slices.DeleteFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	return append(environ, name+"="+value)
}

func telemetryOf(ctx context.Context, cfg *config.Config, logFile string) (*telemetry.Telemetry, func(), error) {
	out := io.Writer(os.Stderr)
	closeLog := func() {}
	if logFile != "" {
		if err := os.MkdirAll(filepath.Dir(logFile), 0o700); err != nil {
			return nil, nil, fmt.Errorf("make the log's folder: %w", err)
		}
		file, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, nil, fmt.Errorf("open the log: %w", err)
		}
		out, closeLog = file, func() { _ = file.Close() }
	}
	tel, err := telemetry.New(ctx, telemetry.Config{
		Process: "hengdai", Level: cfg.Telemetry.Level, OTLPEndpoint: cfg.Telemetry.OTLPEndpoint,
		TracesFile: cfg.Telemetry.TracesFile, SamplePPM: cfg.Telemetry.SamplePPM, Out: out,
	})
	if err != nil {
		closeLog()
		return nil, nil, err
	}
	return tel, func() { _ = tel.Close(context.WithoutCancel(ctx)); closeLog() }, nil
}

// optionsOf says how the demo reaches a running node.
func optionsOf(cfg *config.Config, n *node.Node, rows []demo.Row, seed uint64, progress io.Writer) (demo.Options, error) {
	options, err := reach(cfg, n.Address("public_https"), progress)
	options.Sandbox, options.Rows, options.Seed = "http://"+n.Address("sandbox"), rows, seed
	return options, err
}

// reach says where the gateway of an installation is and what its certificate is.
func reach(cfg *config.Config, address string, progress io.Writer) (demo.Options, error) {
	certificate, err := os.ReadFile(filepath.Join(cfg.KeysDir, "gateway-tls.crt"))
	if err != nil {
		return demo.Options{}, fmt.Errorf("read the sandbox's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return demo.Options{}, fmt.Errorf("the sandbox's certificate in %s is damaged", cfg.KeysDir)
	}
	return demo.Options{
		Base: "https://" + address, Roots: roots, StaffFile: filepath.Join(cfg.DataDir, "demo-staff.json"), Progress: progress,
	}, nil
}

// lendBook fills a new data folder, so that whoever looks finds something to look at.
func lendBook(ctx context.Context, cfg *config.Config, n *node.Node, file string, out io.Writer) error {
	rows, err := demo.ReadRows(file, filepath.Join(filepath.Dir(file), "mapping.json"), demoBookRows)
	if err != nil {
		return err
	}
	options, err := optionsOf(cfg, n, rows, 1, out)
	if err != nil {
		return err
	}
	options.Days = demoBookDays
	run, err := demo.Do(ctx, options)
	if err != nil {
		return fmt.Errorf("lend the small book: %w", err)
	}
	return run.WriteReport(ctx, out)
}

// staffLogin is a line of the file that the sandbox profile writes for its staff.
type staffLogin struct {
	Login, Password, Role string
	Secret                string `json:"totp_secret"`
}

// welcome tells a person where to go and as whom.
func welcome(ctx context.Context, cfg *config.Config, n *node.Node, out io.Writer) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("\nhengdai %s, profile %s", version, cfg.Profile)
	for _, line := range []struct{ name, scheme, says string }{
		{"public_http", "http://", "the product, for a browser on this machine; API description at /docs"},
		{"public_https", "https://", "the product over TLS (self-made certificate)"},
		{"sandbox", "http://", "the outside parties: SMS codes that were sent, made-up people at /people"},
		{"ops", "http://", "metrics, health, profiles"},
	} {
		if address := n.Address(line.name); address != "" {
			say("  %s%-22s %s", line.scheme, strings.Replace(address, "127.0.0.1", hostOf(line.name), 1), line.says)
		}
	}
	if cfg.Profile == config.Sandbox && cfg.Runs("user") {
		say("\nstaff of the sandbox (password and key of the time-based code):")
		for _, s := range demoStaff(ctx, filepath.Join(cfg.DataDir, "demo-staff.json")) {
			say("  %-34s %s  %s", s.Login, s.Password, s.Secret)
		}
	}
	say("\nCtrl-C stops.")
}

// staffWait is how long a first start may take to make the staff of the sandbox: their passwords are slow to hash.
const staffWait = 20 * time.Second

// demoStaff answers the staff as soon as they are made.
func demoStaff(ctx context.Context, file string) []staffLogin {
	var staff []staffLogin
	for end := clock.Real().Add(staffWait); clock.Real().Before(end); {
		text, err := os.ReadFile(file) //nolint:gosec // a file of the data folder
		if err == nil && json.Unmarshal(text, &staff) == nil {
			break
		}
		if clock.Sleep(ctx, 50*time.Millisecond) != nil {
			break
		}
	}
	return staff
}

// hostOf: people use localhost, where browsers allow passkeys without TLS.
func hostOf(name string) string {
	if name == "public_http" {
		return "localhost"
	}
	return "127.0.0.1"
}

func runConfig(_ context.Context, args []string, out io.Writer) error {
	set := flags("config", out)
	file := set.String("config", "", "configuration file (YAML); empty: HENGDAI_CONFIG")
	if err := parse(set, args); err != nil {
		return err
	}
	cfg, err := load(*file, "", "")
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(out, cfg.String())
	return err
}

func runMigrate(ctx context.Context, args []string, out io.Writer) error {
	set := flags("migrate", out)
	file := set.String("config", "", "configuration file (YAML); empty: HENGDAI_CONFIG")
	if err := parse(set, args); err != nil {
		return err
	}
	cfg, err := load(*file, "", "")
	if err != nil {
		return err
	}
	return node.Migrate(ctx, cfg, func(service string) { _, _ = fmt.Fprintln(out, "migrated", service) })
}
