package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/node"
)

// runReconcile reads a channel's statement file without a service and prints it as JSON. A file that the service would
// refuse ends with the reason and exit code 3.
func runReconcile(_ context.Context, args []string, out io.Writer) error {
	set := flags("reconcile", out)
	var f node.StatementFile
	set.StringVar(&f.Channel, "channel", "", "alpha or beta; else the file's name tells it")
	set.StringVar(&f.SettledOn, "day", "", "settlement date, YYYY-MM-DD; else the file's name tells it")
	set.StringVar(&f.Merchant, "merchant", "", "our account; else the file's name tells it")
	set.StringVar(&f.SHA256, "sha256", "", "what the channel says the file hashes to; empty: not checked")
	summary := set.String("summary", "", "`FILE` with the totals that beta gives beside its file")
	file, err := parseOne(set, args)
	if err != nil {
		return err
	}
	f.Name = file
	if f.Content, err = os.ReadFile(file); err != nil { //nolint:gosec // the operator names the file
		return err
	}
	if *summary != "" {
		text, err := os.ReadFile(*summary)
		if err != nil {
			return err
		}
		f.Summary = string(text)
	}
	s, err := node.ReadStatement(f)
	var refused *reconcile.Refusal
	if errors.As(err, &refused) {
		return &invalidError{refused.Error()}
	}
	if err != nil {
		return &usageError{err.Error()}
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}
