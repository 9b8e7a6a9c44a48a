// Command hengdai is the whole product: every service, the sandbox of the outside parties, the demo and the tools of an
// operator, in one binary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hengdai/hengdai/kit/errs"
)

// version is set when the binary is built.
var version = "dev"

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // the work was begun and did not succeed
	exitUsage   = 2 // the words of the call are wrong
	exitInvalid = 3 // the work was done, and an invariant does not hold, something must be mended, or a file is not to be believed
)

// command is one sub-command.
type command struct {
	name, args, says string
	run              func(ctx context.Context, args []string, out io.Writer) error
}

// commands is the table of all sub-commands, in the order in which help shows them.
func commands() []command {
	return []command{
		{"run", "[--demo-book] [--data FOLDER] [--config FILE] [--services A,B]", "start services and, in the sandbox profile, the outside parties", runNode},
		{"demo", "--applicants FILE [--limit N] [--faults PLAN | --compare]", "take applicants from a file through the whole business, then check the books", runDemo},
		{"travel", "--days N [--config FILE]", "move the calendar of a running sandbox, day-end after day-end", runTravel},
		{"migrate", "[--config FILE]", "bring the tables of every service up to date (MySQL family; SQLite does it by itself)", runMigrate},
		{"keys", "list|make [--config FILE] [--json]", "list the keys that a configuration needs, or make those that are missing; never overwrites", runKeys},
		{"backup", "--to FOLDER [--config FILE]", "copy the data folder while the program works; all databases of one moment, without the keys", runBackup},
		{"restore", "--from FOLDER [--config FILE]", "fill an empty data folder from a back-up, after checking it", runRestore},
		{"doctor", "[--json] [--config FILE]", "look at folders, keys, addresses and databases, and say what to do", runDoctor},
		{"reconcile", "[--channel C] [--day D] [--summary FILE] FILE", "read and check a channel's statement file and print it as JSON", runReconcile},
		{"config", "[--config FILE]", "print the configuration in force, secrets masked", runConfig},
		{"trace", "FILE [--id ID | --method NAME] [--svg FILE]", "list or show the traces of a traces file (telemetry.traces_file)", runTrace},
		{"version", "", "print the version", runVersion},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError says that the words of a call are wrong.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// invalidError says that the work was done and its result does not hold.
type invalidError struct{ text string }

func (e *invalidError) Error() string { return e.text }

func dispatch(ctx context.Context, args []string, out, complaints io.Writer) int {
	if len(args) > 1 && args[0] == "help" {
		args = []string{args[1], "--help"}
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		help(out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return explain(c, c.run(ctx, args[1:], out), complaints)
		}
	}
	_, _ = fmt.Fprintf(complaints, "hengdai: there is no command %q; `hengdai help` lists them\n", args[0])
	return exitUsage
}

// explain turns an error into an exit code and a line for the person.
func explain(c command, err error, complaints io.Writer) int {
	var usage *usageError
	var invalid *invalidError
	var refusal *errs.Error
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(complaints, "hengdai %s: %s\nusage: hengdai %s %s\n`hengdai help %s` explains the flags\n", c.name, usage.text, c.name, c.args, c.name)
		return exitUsage
	case errors.As(err, &invalid):
		_, _ = fmt.Fprintf(complaints, "hengdai %s: %s\n", c.name, invalid.text)
		return exitInvalid
	}
	if errors.As(err, &refusal) && refusal.EN != "" { // what it answers to programs is short; this sentence is for the person
		_, _ = fmt.Fprintf(complaints, "hengdai %s: %s (%s)\n", c.name, refusal.EN, oneLine(err.Error()))
		return exitFailed
	}
	for line := range strings.Lines(err.Error()) { // several mistakes: a line each
		_, _ = fmt.Fprintf(complaints, "hengdai %s: %s\n", c.name, strings.TrimSuffix(line, "\n"))
	}
	return exitFailed
}

func oneLine(text string) string {
	return strings.Join(strings.Split(strings.TrimSpace(text), "\n"), "; ")
}

func help(out io.Writer) {
	_, _ = fmt.Fprint(out, "hengdai (衡贷) is a consumer-lending platform: one binary, every service, and a sandbox of the parties outside.\n\n"+
		"To begin:  hengdai run --demo-book\n"+
		"           starts everything on this machine, lends a small book to made-up people, and prints where to look and how to\n"+
		"           log in. Data and keys stay in ./data and ./data.keys; remove both to begin anew.\n\nCommands:\n")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(out, "  hengdai %-9s %s\n  %17s %s\n", c.name, c.args, "", c.says)
	}
	_, _ = fmt.Fprint(out, "\n`hengdai help COMMAND` explains its flags. Every setting has a default, a key in the YAML file and a variable HENGDAI_*;\n"+
		"`hengdai config` shows what is in force. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 an invariant does not hold, the doctor found a\n"+
		"failure, or a statement is not to be believed.\n")
}

// flags makes the flag set of a command. What is wrong with a call comes back as a usageError; --help explains on out.
func flags(name string, out io.Writer) *flag.FlagSet {
	set := flag.NewFlagSet("hengdai "+name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {
		set.SetOutput(out)
		for _, c := range commands() {
			if c.name == name {
				_, _ = fmt.Fprintf(out, "hengdai %s %s\n%s\n\n", c.name, c.args, c.says)
			}
		}
		set.PrintDefaults()
	}
	return set
}

// parse reads the flags and refuses words that are left over.
func parse(set *flag.FlagSet, args []string) error {
	usage := set.Usage
	set.Usage = func() {}
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage()
		return err
	case err != nil:
		return &usageError{err.Error()}
	case set.NArg() > 0:
		return &usageError{fmt.Sprintf("%q is not expected here", set.Arg(0))}
	}
	return nil
}

// parseOne reads the flags of a command that takes one word besides.
func parseOne(set *flag.FlagSet, args []string) (string, error) {
	usage := set.Usage
	set.Usage = func() {}
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage()
		return "", err
	case err != nil:
		return "", &usageError{err.Error()}
	case set.NArg() != 1:
		return "", &usageError{"one file is expected, after the flags"}
	}
	return set.Arg(0), nil
}

func runVersion(_ context.Context, args []string, out io.Writer) error {
	if err := parse(flags("version", out), args); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "hengdai", version)
	return err
}
