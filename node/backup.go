package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/store"
)

// backupFormat is the layout of a back-up: one file a database, as it is in the data folder, and the manifest.
const backupFormat = 1

const manifestFile = "manifest.json"

// plainFiles of the data folder belong to a back-up beside the databases: the sandbox's calendar and its staff.
var plainFiles = []string{"calendar", "demo-staff.json"}

// Manifest says what a back-up holds.
type Manifest struct {
	Format  int       `json:"format"`
	Program string    `json:"program"`
	Profile string    `json:"profile"`
	TakenAt time.Time `json:"taken_at"`
	// Databases and Files by their name in the back-up.
	Databases []Kept `json:"databases"`
	Files     []Kept `json:"files"`
}

// Kept is one file of a back-up.
type Kept struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// databases answers the SQLite file of every service and of the sandbox, by the name of its owner, in a fixed order. An
// engine of its own makes its own back-ups.
func databases(cfg *config.Config) (names []string, paths map[string]string, err error) {
	paths = map[string]string{}
	for _, p := range table() {
		if p.schema == nil {
			continue
		}
		db := cfg.Database(p.name)
		if db.Engine != store.SQLite {
			return nil, nil, fmt.Errorf("databases.%s is on %s: back it up with that engine's own tools (mariadb-dump --single-transaction over all databases "+
				"of one server, or a replica stopped at one position); docs/running.md says what must be of one moment", p.name, db.Engine)
		}
		names, paths[p.name] = append(names, p.name), db.Path
	}
	if cfg.Profile == config.Sandbox {
		names, paths["sandbox"] = append(names, "sandbox"), filepath.Join(cfg.DataDir, "sandbox.db")
	}
	return names, paths, nil
}

// Backup copies the data folder into a new folder while the program goes on working. All databases are of one moment. Keys
// are not in it: without them a back-up cannot be read, and with them it could be by anybody.
func Backup(ctx context.Context, cfg *config.Config, program, to string) (*Manifest, error) {
	names, paths, err := databases(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s exists already; name a new folder", to)
	}
	draft := to + ".part"
	if err := errors.Join(os.RemoveAll(draft), os.MkdirAll(draft, 0o700)); err != nil {
		return nil, fmt.Errorf("make the folder of the back-up: %w", err)
	}
	defer func() { _ = os.RemoveAll(draft) }() // nothing is there after the rename
	made := &Manifest{Format: backupFormat, Program: program, Profile: string(cfg.Profile), TakenAt: clock.Real().UTC()}
	if made.Databases, err = copyDatabases(ctx, names, paths, draft); err != nil {
		return nil, err
	}
	// After the databases: days that passed meanwhile are closed at the next start, as after any stop.
	if made.Files, err = copyPlain(cfg.DataDir, draft); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(draft, manifestFile), append(text, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return made, os.Rename(draft, to)
}

func copyDatabases(ctx context.Context, names []string, paths map[string]string, draft string) ([]Kept, error) {
	var copies []store.Copy
	for _, name := range names {
		copies = append(copies, store.Copy{From: paths[name], To: filepath.Join(draft, name+".db")})
	}
	if err := store.Backup(ctx, copies); err != nil {
		return nil, err
	}
	var all []Kept
	for _, name := range names {
		if err := store.Check(ctx, filepath.Join(draft, name+".db")); err != nil {
			return nil, fmt.Errorf("the copy of %s: %w", name, err)
		}
		kept, err := describe(draft, name+".db")
		if err != nil {
			return nil, err
		}
		all = append(all, kept)
	}
	return all, nil
}

func copyPlain(from, draft string) ([]Kept, error) {
	var all []Kept
	for _, name := range plainFiles {
		err := copyFile(filepath.Join(from, name), filepath.Join(draft, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		kept, err := describe(draft, name)
		if err != nil {
			return nil, err
		}
		all = append(all, kept)
	}
	return all, nil
}

// Restore fills an empty data folder from a back-up, after every file was found to be as it was made.
func Restore(ctx context.Context, cfg *config.Config, from string) (*Manifest, error) {
	made, err := readManifest(from)
	if err != nil {
		return nil, err
	}
	names, paths, err := databases(cfg)
	if err != nil {
		return nil, err
	}
	if made.Profile != string(cfg.Profile) {
		return nil, fmt.Errorf("the back-up is of profile %s, the configuration says %s", made.Profile, cfg.Profile)
	}
	for _, name := range names {
		if _, err := os.Stat(paths[name]); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s exists: a back-up is restored into an empty data folder only; move the old one away first", paths[name])
		}
		if !slices.ContainsFunc(made.Databases, func(k Kept) bool { return k.Name == name+".db" }) {
			return nil, fmt.Errorf("the back-up has no database of %s", name)
		}
	}
	if err := made.untouched(from); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	for _, kept := range made.Files {
		if err := copyFile(filepath.Join(from, kept.Name), filepath.Join(cfg.DataDir, kept.Name)); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if err := errors.Join(os.MkdirAll(filepath.Dir(paths[name]), 0o700), copyFile(filepath.Join(from, name+".db"), paths[name])); err != nil {
			return nil, err
		}
		if err := store.Check(ctx, paths[name]); err != nil {
			return nil, fmt.Errorf("the restored database of %s: %w", name, err)
		}
	}
	return made, nil
}

// untouched says whether every file of a back-up is as it was made.
func (m *Manifest) untouched(from string) error {
	for _, kept := range slices.Concat(m.Databases, m.Files) {
		now, err := describe(from, kept.Name)
		if err != nil {
			return err
		}
		if now != kept {
			return fmt.Errorf("%s in the back-up is not as it was made: %d bytes of digest %s, the manifest says %d of %s",
				kept.Name, now.Bytes, now.SHA256, kept.Bytes, kept.SHA256)
		}
	}
	return nil
}

func readManifest(from string) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(from, manifestFile)) //nolint:gosec // the operator names the folder
	if err != nil {
		return nil, fmt.Errorf("%s is no back-up: %w", from, err)
	}
	made := &Manifest{}
	if err := json.Unmarshal(text, made); err != nil {
		return nil, fmt.Errorf("the manifest of %s is damaged: %w", from, err)
	}
	if made.Format != backupFormat {
		return nil, fmt.Errorf("the back-up has format %d, this program reads %d", made.Format, backupFormat)
	}
	return made, nil
}

func describe(folder, name string) (Kept, error) {
	if !filepath.IsLocal(name) {
		return Kept{}, fmt.Errorf("the manifest names a file outside the back-up: %q", name)
	}
	path := filepath.Join(folder, name)
	info, err := os.Stat(path)
	if err != nil {
		return Kept{}, err
	}
	digest, err := store.Digest(path)
	return Kept{Name: name, Bytes: info.Size(), SHA256: digest}, err
}

// copyFile copies into a new file that nobody else may read, and onto the disk.
func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // the operator names the folders
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the folders
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
