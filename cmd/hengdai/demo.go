package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/demo/invariant"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/node"
)

// demoCall is what the words of a call of the demo say.
type demoCall struct {
	rows         []demo.Row
	seed         uint64
	days, atOnce int
	faults, keep string
	compare      bool
}

func runDemo(ctx context.Context, args []string, out io.Writer) error {
	set := flags("demo", out)
	applicants := set.String("applicants", "", "file with one applicant a row (required)")
	mapping := set.String("mapping", "", "table of codes of that file; empty: mapping.json beside it")
	limit := set.Int("limit", 0, "at most so many applicants; 0: all")
	var call demoCall
	set.Uint64Var(&call.seed, "seed", 1, "fixes names, numbers, who pays how, and which orders meet a fault")
	set.IntVar(&call.days, "days", 0, "stop the calendar after so many days; 0: when every loan has ended or aged")
	set.IntVar(&call.atOnce, "at-once", 8, "applicants under way together")
	set.StringVar(&call.faults, "faults", demo.NoFaults, "what goes wrong at the payment channels: "+strings.Join(demo.Plans, ", "))
	set.BoolVar(&call.compare, "compare", false, "three runs, plain and with each kind of faults, and their comparison")
	set.StringVar(&call.keep, "data", "", "keep the data in this new folder; empty: a folder that is removed afterwards")
	profile := set.String("cpu-profile", "", "write where the processor's time went into this file")
	if err := parse(set, args); err != nil {
		return err
	}
	switch {
	case *applicants == "":
		return &usageError{"--applicants is missing"}
	case !slices.Contains(demo.Plans, call.faults):
		return &usageError{fmt.Sprintf("there are no faults %q; say %s", call.faults, strings.Join(demo.Plans, ", "))}
	case call.compare && call.faults != demo.NoFaults:
		return &usageError{"--compare makes a run of each kind; leave --faults away"}
	}
	if *mapping == "" {
		*mapping = filepath.Join(filepath.Dir(*applicants), "mapping.json")
	}
	var err error
	if call.rows, err = demo.ReadRows(*applicants, *mapping, *limit); err != nil {
		return &usageError{err.Error()}
	}
	folder, remove, err := demoFolder(call.keep)
	if err != nil {
		return err
	}
	defer remove()
	stop, err := startProfile(*profile)
	if err != nil {
		return err
	}
	defer stop()
	if call.compare {
		return call.compareRuns(ctx, folder, out)
	}
	_, err = call.oneRun(ctx, folder, demo.Options{Faults: call.faults}, out)
	return err
}

// oneRun makes one run in a new installation, reports and judges it. An invariant that does not hold is an *invalidError; the
// result is there all the same.
func (call demoCall) oneRun(ctx context.Context, folder string, want demo.Options, out io.Writer) (*demo.Result, error) {
	var result *demo.Result
	err := withDemoNode(ctx, folder, func(cfg *config.Config, n *node.Node) error {
		options, err := optionsOf(cfg, n, call.rows, call.seed, out)
		if err != nil {
			return err
		}
		options.Days, options.AtOnce = call.days, call.atOnce
		options.From, options.Until, options.Faults = want.From, want.Until, want.Faults
		run, err := demo.Do(ctx, options)
		if err != nil {
			return err
		}
		if err := run.WriteReport(ctx, out); err != nil {
			return err
		}
		return withBooks(ctx, cfg, func(books *invariant.Books) error {
			if result, err = run.Result(ctx, books); err != nil {
				return err
			}
			return judgeBooks(ctx, books, out)
		})
	})
	return result, err
}

// withBooks opens the databases of an installation for reading, and closes them.
func withBooks(ctx context.Context, cfg *config.Config, work func(*invariant.Books) error) error {
	books, err := invariant.Open(ctx, func(service string) (engine, source string) {
		if service == "sandbox" {
			return "sqlite", filepath.Join(cfg.DataDir, "sandbox.db")
		}
		db := cfg.Database(service)
		if db.Engine == "mysql" {
			return db.Engine, db.DSN
		}
		return db.Engine, db.Path
	})
	if err != nil {
		return err
	}
	return errors.Join(work(books), books.Close())
}

// judge checks the raw tables and the parties' journals; what does not hold is listed and ends the command with its own code.
func judge(ctx context.Context, cfg *config.Config, out io.Writer) error {
	return withBooks(ctx, cfg, func(books *invariant.Books) error { return judgeBooks(ctx, books, out) })
}

func judgeBooks(ctx context.Context, books *invariant.Books, out io.Writer) error {
	found, err := books.Check(ctx)
	if err != nil {
		return err
	}
	if broken := found.Write(out); broken > 0 {
		return &invalidError{fmt.Sprintf("%d invariants do not hold", broken)}
	}
	return nil
}

// withDemoNode starts everything in one process on free loopback ports, works, and stops it.
func withDemoNode(ctx context.Context, folder string, work func(*config.Config, *node.Node) error) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	environ := over(over(os.Environ(), "HENGDAI_DATA_DIR", folder), "HENGDAI_TELEMETRY_LEVEL", "warn")
	environ = over(environ, "HENGDAI_CONFIG", "") // a demo is a sandbox of its own
	cfg, err := config.Load("", environ)
	if err != nil {
		return err
	}
	if err := freePorts(ctx, cfg); err != nil {
		return err
	}
	tel, closeLog, err := telemetryOf(ctx, cfg, filepath.Join(folder, "demo.log"))
	if err != nil {
		return err
	}
	defer closeLog()
	n, err := node.Start(ctx, cfg, tel, version)
	if err != nil {
		return err
	}
	return errors.Join(work(cfg, n), n.Close())
}

// demoFolder answers a new data folder and how to be rid of it.
func demoFolder(keep string) (string, func(), error) {
	if keep == "" {
		folder, err := os.MkdirTemp("", "hengdai-demo-")
		if err != nil {
			return "", nil, fmt.Errorf("make a data folder: %w", err)
		}
		return folder, func() { _ = os.RemoveAll(folder); _ = os.RemoveAll(folder + ".keys") }, nil
	}
	entries, err := os.ReadDir(keep)
	if err == nil && len(entries) > 0 {
		return "", nil, &usageError{fmt.Sprintf("the folder %s is not empty; a demo begins with a new one", keep)}
	}
	if err := os.MkdirAll(keep, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the data folder: %w", err)
	}
	return keep, func() {}, nil
}

// startProfile begins a profile, if one is asked for, and answers how to end it.
func startProfile(path string) (func(), error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("make the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("begin the profile: %w", err), file.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }, nil
}
