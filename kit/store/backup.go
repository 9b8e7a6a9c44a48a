package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"github.com/hengdai/hengdai/kit/errs"
)

// Copy is one database file and where its copy goes, which must not exist yet.
type Copy struct {
	From, To string
}

// Backup copies SQLite files while their owner goes on working. All copies are of one moment: what one service has told
// and another has taken in is in both copies or in neither. For that moment, some milliseconds, nobody writes; the copying
// itself hinders nobody.
func Backup(ctx context.Context, copies []Copy) (err error) {
	for _, c := range copies {
		if _, err := os.Stat(c.To); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("copy a database: %s exists already", c.To)
		}
	}
	sources, err := freeze(ctx, copies)
	defer func() {
		for _, s := range sources {
			err = errors.Join(err, s.Close())
		}
	}()
	if err != nil {
		return err
	}
	for i, c := range copies {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyOut(sources[i], c.To); err != nil {
			return fmt.Errorf("copy %s: %w", filepath.Base(c.From), err)
		}
	}
	return nil
}

// freeze answers a connection to each file, all of which see the same moment. It takes every file's writing lock first, so
// that no commit falls between two of them.
func freeze(ctx context.Context, copies []Copy) (readers []*sqlite3.Conn, err error) {
	var writers []*sqlite3.Conn
	defer func() {
		for _, w := range writers {
			err = errors.Join(err, w.Close()) // ends the transaction and with it the lock
		}
	}()
	for _, c := range copies {
		w, err := openRaw(ctx, c.From, "rw")
		if err != nil {
			return readers, fmt.Errorf("open %s: %w", c.From, err)
		}
		writers = append(writers, w)
		if err := w.Exec("BEGIN IMMEDIATE"); err != nil {
			return readers, fmt.Errorf("wait for the writer of %s: %w", c.From, err)
		}
	}
	for _, c := range copies {
		r, err := openRaw(ctx, c.From, "rw")
		if err != nil {
			return readers, fmt.Errorf("open %s: %w", c.From, err)
		}
		readers = append(readers, r)
		if err := r.Exec("PRAGMA query_only(on); BEGIN; SELECT COUNT(*) FROM sqlite_schema"); err != nil {
			return readers, fmt.Errorf("read %s: %w", c.From, err)
		}
	}
	return readers, nil
}

func openRaw(ctx context.Context, path, mode string) (*sqlite3.Conn, error) {
	name, err := fileURI(path, mode)
	if err != nil {
		return nil, err
	}
	return sqlite3.OpenContext(ctx, name)
}

func fileURI(path, mode string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	u.RawQuery = url.Values{"mode": {mode}, "_pragma": {"busy_timeout(10000)"}}.Encode()
	return u.String(), nil
}

// copyOut writes what a connection sees into a new file that nobody else may read, and onto the disk. The file has its name
// only when it is whole.
func copyOut(source *sqlite3.Conn, whole string) error {
	to := whole + ".part"
	for _, suffix := range []string{"", "-wal", "-shm"} { // of a copy that was interrupted
		if err := os.Remove(to + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := makePrivate(to); err != nil {
		return err
	}
	name, err := fileURI(to, "rw")
	if err != nil {
		return err
	}
	if err := source.Backup("main", name); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm"} { // were made empty, and a copy has none
		if err := os.Remove(to + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	file, err := os.OpenFile(to, os.O_RDWR, 0) //nolint:gosec // made above
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(to, whole)
}

// Check reads every page of an SQLite file and says what is damaged; an error of code Precondition names the damage.
func Check(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return errIO.Because(err)
	}
	conn, err := openRaw(ctx, path, "rw")
	if err != nil {
		return errs.Wrap(Explain(err), "opening the database")
	}
	defer func() { _ = conn.Close() }()
	st, _, err := conn.Prepare("PRAGMA quick_check(3)")
	if err != nil {
		return errDamaged.Because(err)
	}
	defer func() { _ = st.Close() }()
	for st.Step() {
		if said := st.ColumnText(0); said != "ok" {
			return errDamaged.Because(errors.New(said))
		}
	}
	if err := st.Err(); err != nil {
		return errDamaged.Because(err)
	}
	return nil
}

var errDamaged = errs.New(errs.Precondition, "store.damaged", "数据库文件已损坏，请从备份恢复。", "The database file is damaged: restore it from a back-up.")

// Digest answers the SHA-256 of a file in hex.
func Digest(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, file.Close())
}
