package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/hengdai/hengdai/node"
)

// keysTold is what `hengdai keys --json` answers.
type keysTold struct {
	KeysDir string     `json:"keys_dir"`
	Made    []string   `json:"made"`
	Keys    []node.Key `json:"keys"`
	// Missing counts what stands in the way of a start: missing, exposed or awaited.
	Missing int `json:"missing"`
}

func runKeys(_ context.Context, args []string, out io.Writer) error {
	set := flags("keys", out)
	file := set.String("config", "", "configuration file (YAML); empty: HENGDAI_CONFIG")
	asJSON := set.Bool("json", false, "answer JSON")
	act := ""
	if len(args) > 0 && (args[0] == "list" || args[0] == "make") {
		act, args = args[0], args[1:]
	}
	if err := parse(set, args); err != nil {
		return err
	}
	if act == "" {
		return &usageError{"say list or make"}
	}
	cfg, err := load(*file, "", "")
	if err != nil {
		return err
	}
	told := keysTold{KeysDir: cfg.KeysDir, Made: []string{}}
	if act == "make" {
		made, err := node.MakeKeys(cfg)
		told.Made = append(told.Made, made...)
		if err != nil {
			return err
		}
	}
	told.Keys = node.Keys(cfg)
	for _, k := range told.Keys {
		if k.State != node.KeyThere {
			told.Missing++
		}
	}
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(told)
	}
	return told.write(out, act)
}

func (t keysTold) write(out io.Writer, act string) error {
	_, _ = fmt.Fprintf(out, "keys in %s\n", t.KeysDir)
	for _, k := range t.Keys {
		_, _ = fmt.Fprintf(out, "  %-8s %-22s %s\n", k.State, k.File, k.For)
	}
	if act == "make" {
		_, _ = fmt.Fprintf(out, "made %d files; what was there was left as it is. Keep a copy of the folder apart from the data: without user.kek.key no\npersonal value can be read again.\n", len(t.Made))
	}
	_, err := fmt.Fprintf(out, "%d of %d are not there\n", t.Missing, len(t.Keys))
	return err
}
