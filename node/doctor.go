package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/sandbox"
)

// Verdict is how bad a finding is.
type Verdict string

// The verdicts. A warning is for a person to know, a failure keeps the program from working or the data from being right.
const (
	Fine    Verdict = "ok"
	Warning Verdict = "warning"
	Failure Verdict = "failure"
)

// Finding is one thing that was looked at.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	// About names the thing: a folder, an address, the database of a service.
	About string `json:"about"`
	Says  string `json:"says"`
	// Remedy says what a person can do; empty if nothing is to be done.
	Remedy string `json:"remedy,omitempty"`
}

const (
	roomWarning = 2 << 30
	roomFailure = 200 << 20
	dialLimit   = 2 * time.Second
	// effectLate is how long an effect may wait, on the business clock, before a person should know.
	effectLate = 24 * time.Hour
)

// doctor collects findings.
type doctor struct {
	cfg      *config.Config
	findings []Finding
	running  bool
}

// Doctor looks at an installation, working or stopped, and changes nothing: folders and room, keys, addresses, every
// database, and whether the databases fit each other.
func Doctor(ctx context.Context, cfg *config.Config) []Finding {
	d := &doctor{cfg: cfg}
	d.folders()
	d.addresses(ctx)
	d.databases(ctx)
	d.parties(ctx)
	return d.findings
}

func (d *doctor) say(v Verdict, about, says, remedy string) {
	d.findings = append(d.findings, Finding{Verdict: v, About: about, Says: says, Remedy: remedy})
}

func (d *doctor) folders() {
	info, err := os.Stat(d.cfg.DataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.say(Warning, "data_dir", d.cfg.DataDir+" does not exist yet", "the first start makes it")
	case err != nil:
		d.say(Failure, "data_dir", err.Error(), "make the folder readable for the user who runs hengdai")
	default:
		d.private("data_dir", d.cfg.DataDir, info)
		d.writable()
		d.room()
	}
	_, err = os.Stat(d.cfg.KeysDir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.cfg.Profile == config.Sandbox:
		d.say(Fine, "keys_dir", d.cfg.KeysDir+" does not exist yet; the sandbox makes its keys at the first start", "")
	case err != nil:
		d.say(Failure, "keys_dir", err.Error(), "without the keys no personal value can be read and no party be spoken to: put them back from where they are kept")
	default:
		d.keys()
	}
}

// keys: public halves may be read by everybody, everything else only by the user who runs the program.
func (d *doctor) keys() {
	entries, err := os.ReadDir(d.cfg.KeysDir)
	if err != nil {
		d.say(Failure, "keys_dir", err.Error(), "make the folder readable for the user who runs hengdai")
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || e.IsDir() || slices.Contains([]string{".pub", ".crt"}, filepath.Ext(e.Name())) {
			continue
		}
		if info.Mode().Perm()&0o077 != 0 {
			path := filepath.Join(d.cfg.KeysDir, e.Name())
			d.say(Failure, "keys_dir", fmt.Sprintf("%s can be read by others (%s)", path, info.Mode().Perm()), "chmod 600 "+path+", and think of it as known")
			return
		}
	}
	if d.cfg.Profile != config.Sandbox && d.missingKeys() {
		return
	}
	d.say(Fine, "keys_dir", fmt.Sprintf("%s, %d files", d.cfg.KeysDir, len(entries)), "")
}

// missingKeys tells what nobody makes by itself outside the sandbox.
func (d *doctor) missingKeys() (lacking bool) {
	for _, k := range Keys(d.cfg) {
		switch k.State {
		case KeyMissing:
			d.say(Failure, "keys_dir", k.File+" is missing: "+k.For, "hengdai keys make, or put it back from where it is kept")
			lacking = true
		case KeyAwaited:
			d.say(Failure, "keys_dir", k.File+" is missing: "+k.For, "ask the party for its public key")
			lacking = true
		}
	}
	return lacking
}

// private: data are for the user who runs the program alone.
func (d *doctor) private(key, path string, info fs.FileInfo) {
	if info.Mode().Perm()&0o077 != 0 {
		d.say(Warning, key, fmt.Sprintf("%s can be read by others (%s)", path, info.Mode().Perm()), "chmod 700 "+path)
		return
	}
	d.say(Fine, key, path, "")
}

func (d *doctor) writable() {
	probe, err := os.CreateTemp(d.cfg.DataDir, ".doctor-")
	if err != nil {
		d.say(Failure, "data_dir", "cannot be written: "+err.Error(), "give the folder to the user who runs hengdai")
		return
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		d.say(Warning, "data_dir", err.Error(), "look at the disk")
	}
}

func (d *doctor) room() {
	left, known := store.Room(d.cfg.DataDir)
	if !known {
		return
	}
	says := fmt.Sprintf("%.1f GB free", float64(left)/(1<<30))
	switch {
	case left < roomFailure:
		d.say(Failure, "disk", says, "make room: a full disk refuses every write")
	case left < roomWarning:
		d.say(Warning, "disk", says, "make room soon")
	default:
		d.say(Fine, "disk", says, "")
	}
}

// addresses: either this installation listens at them, or nobody does.
func (d *doctor) addresses(ctx context.Context) {
	n := &Node{cfg: d.cfg}
	d.running = d.locked()
	for _, e := range n.endpoints() {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", e.address)
		switch {
		case err == nil:
			_ = listener.Close()
			if d.running {
				d.say(Warning, e.key, e.address+" is free although the data folder is in use", "the running process was started with other addresses")
			} else {
				d.say(Fine, e.key, e.address+" is free", "")
			}
		case d.running:
			d.say(Fine, e.key, e.address+" is in use, as is the data folder", "")
		default:
			d.say(Failure, e.key, n.cannotListen(e, err).Error(), "stop the other program or set "+e.key)
		}
	}
}

// locked says whether a running process has a database of this installation.
func (d *doctor) locked() bool {
	names, paths, err := databases(d.cfg)
	if err != nil {
		return false
	}
	for _, name := range names {
		if _, err := os.Stat(paths[name] + ".lock"); err != nil {
			continue
		}
		release, err := lock(paths[name])
		if err != nil {
			return true
		}
		_ = release()
	}
	return false
}

func (d *doctor) databases(ctx context.Context) {
	seen := map[string]*store.Inspection{}
	for _, p := range table() {
		if p.schema != nil {
			d.database(ctx, p.name, storeConfig(d.cfg, p.name), p.schema(), seen)
		}
	}
	if d.cfg.Profile == config.Sandbox {
		d.database(ctx, "sandbox", store.Config{Engine: store.SQLite, Path: filepath.Join(d.cfg.DataDir, "sandbox.db")}, sandbox.Schema(), seen)
	}
	d.fit(ctx, seen)
}

func (d *doctor) database(ctx context.Context, name string, cfg store.Config, schema store.Schema, seen map[string]*store.Inspection) {
	about := "database " + name
	if cfg.Engine == store.SQLite {
		if _, err := os.Stat(cfg.Path); errors.Is(err, fs.ErrNotExist) {
			d.say(Fine, about, cfg.Path+" does not exist yet", "")
			return
		}
		if err := store.Check(ctx, cfg.Path); err != nil {
			d.say(Failure, about, because(err), "stop hengdai, keep the file aside, restore the newest back-up: hengdai restore --from FOLDER")
			return
		}
	}
	found, err := store.Inspect(ctx, cfg, schema)
	if err != nil {
		d.say(Failure, about, because(err), "look at the server and at databases."+name+".dsn")
		return
	}
	seen[name] = found
	if len(found.Ahead) > 0 {
		d.say(Failure, about, "its tables are newer than this program: "+strings.Join(found.Ahead, ", "), "use the newer program, or restore a back-up of this one's time")
		return
	}
	if len(found.Behind) > 0 {
		remedy := "the next start upgrades them and keeps a copy beside the file"
		if cfg.Engine == store.MySQL {
			remedy = "run hengdai migrate"
		}
		d.say(Warning, about, "its tables are older than this program: "+strings.Join(found.Behind, ", "), remedy)
		return
	}
	d.state(about, found)
}

// state tells what waits in a database for a person.
func (d *doctor) state(about string, found *store.Inspection) {
	whole := len(d.findings)
	if found.Gaps > 0 {
		d.say(Failure, about, fmt.Sprintf("%d partitions of its log have gaps", found.Gaps), "restore the newest back-up")
	}
	if found.Parked > 0 {
		d.say(Warning, about, fmt.Sprintf("%d events are parked", found.Parked), "look at them and have them retried: docs/running.md, parked events")
	}
	if found.Failed > 0 {
		d.say(Warning, about, fmt.Sprintf("%d effects have failed for good", found.Failed), "the log names them; search for the kind of effect")
	}
	if late := d.now().Sub(time.UnixMilli(found.OldestDueMS)); d.running && found.OldestDueMS > 0 && late > effectLate {
		d.say(Warning, about, fmt.Sprintf("the oldest effect has waited for %s", late.Round(time.Hour)), "a party or a peer may be down: look at the log and at /metrics")
	}
	if len(d.findings) == whole {
		d.say(Fine, about, "sound; nothing waits for a person", "")
	}
}

// now is the installation's business clock.
func (d *doctor) now() time.Time {
	offset, err := openOffset(d.cfg)
	if err != nil {
		d.say(Failure, "calendar", err.Error(), "restore the file from a back-up")
		return clock.Real()
	}
	return clock.New(offset).Now()
}

// fit: nobody can have taken in what the source has not told. It happens when files of different moments are put together.
func (d *doctor) fit(ctx context.Context, seen map[string]*store.Inspection) {
	broken := false
	for _, reader := range slices.Sorted(maps.Keys(seen)) {
		for source := range seen[reader].Cursors {
			if seen[source] == nil {
				continue
			}
			// A source that was looked at first may have told more since.
			now, err := store.Inspect(ctx, storeConfig(d.cfg, source))
			if err != nil {
				d.say(Failure, "database "+source, because(err), "look at the file")
				continue
			}
			broken = d.ahead(reader, source, seen[reader].Cursors[source], now.Heads) || broken
		}
	}
	if !broken && len(seen) > 1 {
		d.say(Fine, "databases", "are of one moment", "")
	}
}

func (d *doctor) ahead(reader, source string, cursors, heads map[int64]int64) bool {
	for _, part := range slices.Sorted(maps.Keys(cursors)) {
		if cursors[part] > heads[part] {
			d.say(Failure, "databases", fmt.Sprintf("%s has taken in event %d of %s's log in partition %d, which ends at %d", reader, cursors[part], source, part, heads[part]),
				"these files are not of one moment: restore all of them from one back-up")
			return true
		}
	}
	return false
}

// parties are tried only where they are real: the sandbox is part of the program.
func (d *doctor) parties(ctx context.Context) {
	if d.cfg.Profile == config.Sandbox {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Parties)) {
		at, err := url.Parse(d.cfg.Parties[name])
		if err != nil || at.Host == "" {
			d.say(Failure, "parties."+name, fmt.Sprintf("%q is no address", d.cfg.Parties[name]), "set the base URL of the party")
			continue
		}
		host := at.Host
		if at.Port() == "" {
			host = net.JoinHostPort(host, map[string]string{"http": "80", "https": "443"}[at.Scheme])
		}
		conn, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "tcp", host)
		if err != nil {
			d.say(Warning, "parties."+name, err.Error(), "look at the network and the party; orders wait meanwhile")
			continue
		}
		_ = conn.Close()
		d.say(Fine, "parties."+name, host+" answers", "")
	}
}

// because answers what went wrong with its cause, for the operator.
func because(err error) string {
	var known *errs.Error
	if errors.As(err, &known) {
		return known.EN + " (" + err.Error() + ")"
	}
	return err.Error()
}
