package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/node"
)

func runBackup(ctx context.Context, args []string, out io.Writer) error {
	set := flags("backup", out)
	file := set.String("config", "", "configuration file (YAML)")
	dataDir := set.String("data", "", "data folder; empty: as configured")
	to := set.String("to", "", "new folder for the back-up (required)")
	if err := parse(set, args); err != nil {
		return err
	}
	if *to == "" {
		return &usageError{"--to is missing"}
	}
	cfg, err := load(*file, *dataDir, "")
	if err != nil {
		return err
	}
	from := clock.Real()
	made, err := node.Backup(ctx, cfg, version, *to)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s in %d databases, %.1f s\nthe keys in %s are not in it: keep a copy of them at another place, apart from the back-ups\n",
		*to, megabytes(made), len(made.Databases), clock.Since(from).Seconds(), cfg.KeysDir)
	return err
}

func megabytes(m *node.Manifest) string {
	var bytes int64
	for _, kept := range m.Databases {
		bytes += kept.Bytes
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

func runRestore(ctx context.Context, args []string, out io.Writer) error {
	set := flags("restore", out)
	file := set.String("config", "", "configuration file (YAML)")
	dataDir := set.String("data", "", "data folder, empty or not there yet; empty: as configured")
	from := set.String("from", "", "folder of the back-up (required)")
	if err := parse(set, args); err != nil {
		return err
	}
	if *from == "" {
		return &usageError{"--from is missing"}
	}
	cfg, err := load(*file, *dataDir, "")
	if err != nil {
		return err
	}
	made, err := node.Restore(ctx, cfg, *from)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is as it was at %s (%s, made by %s)\nthe keys of that time must be in %s before hengdai is started\n",
		cfg.DataDir, made.TakenAt.Local().Format("2006-01-02 15:04:05"), megabytes(made), made.Program, cfg.KeysDir)
	return err
}

func runDoctor(ctx context.Context, args []string, out io.Writer) error {
	set := flags("doctor", out)
	file := set.String("config", "", "configuration file (YAML)")
	dataDir := set.String("data", "", "data folder; empty: as configured")
	asJSON := set.Bool("json", false, "findings as a JSON array")
	if err := parse(set, args); err != nil {
		return err
	}
	cfg, err := load(*file, *dataDir, "")
	if err != nil {
		return err
	}
	findings := node.Doctor(ctx, cfg)
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(findings)
	} else {
		err = tell(out, findings)
	}
	if err != nil {
		return err
	}
	var failures int
	for _, f := range findings {
		if f.Verdict == node.Failure {
			failures++
		}
	}
	if failures > 0 {
		return &invalidError{fmt.Sprintf("%d of %d findings must be mended", failures, len(findings))}
	}
	return nil
}

func tell(out io.Writer, findings []node.Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintf(out, "%-8s %-20s %s\n", f.Verdict, f.About, f.Says); err != nil {
			return err
		}
		if f.Remedy != "" {
			if _, err := fmt.Fprintf(out, "%-8s %-20s -> %s\n", "", "", f.Remedy); err != nil {
				return err
			}
		}
	}
	return nil
}
