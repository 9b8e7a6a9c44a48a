package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/pressly/goose/v3"

	"github.com/hengdai/hengdai/kit/errs"
)

// Migrate brings the tables of kit and of the schemas up to date. On MySQL nothing else does; on SQLite Open does it too.
func Migrate(ctx context.Context, cfg Config, schemas ...Schema) error {
	if cfg.Engine != MySQL {
		db, err := Open(ctx, cfg, schemas...)
		if err != nil {
			return err
		}
		return db.Close()
	}
	db, err := mysqlPool(cfg.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	unlock, err := migrationLock(ctx, db)
	if err != nil {
		return err
	}
	defer unlock()
	return migrateAll(ctx, db, MySQL, withKit(schemas))
}

// migrationLock keeps two processes from migrating one database at once. A proxy that does not know the function is let
// pass: there migrations are a person's act.
func migrationLock(ctx context.Context, db *sql.DB) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errs.Wrap(Explain(err), "locking for migration")
	}
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT('hengdai_migrate_', COALESCE(DATABASE(), '')), 60)").Scan(&got); err == nil && got.Int64 != 1 {
		_ = conn.Close()
		return nil, errLocked.Because(errors.New("another process is migrating this database"))
	}
	return func() { _ = conn.Close() }, nil // closing does not end the session, but the pool is closed right after
}

func migrateAll(ctx context.Context, db *sql.DB, engine string, schemas []Schema) error {
	all, err := standings(ctx, db, engine, schemas)
	if err != nil {
		return err
	}
	if err := refuseNewer(all); err != nil {
		return err
	}
	for _, s := range schemas {
		p, err := provider(db, engine, s)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if _, err := p.Up(ctx); err != nil {
			return errs.Wrap(Explain(err), "migrating the tables of "+s.Name)
		}
	}
	return nil
}

// standing is how far the tables of one schema are, and how far this program would have them.
type standing struct {
	name       string
	have, want int64
}

// standings answers where the tables of every schema stand; zero where there are none.
func standings(ctx context.Context, db *sql.DB, engine string, schemas []Schema) ([]standing, error) {
	var all []standing
	for _, s := range schemas {
		p, err := provider(db, engine, s)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		have, err := version(ctx, db, engine, s.Name)
		if err != nil {
			return nil, errs.Wrap(err, "looking at the tables of "+s.Name)
		}
		stands := standing{name: s.Name, have: have}
		for _, src := range p.ListSources() {
			stands.want = max(stands.want, src.Version)
		}
		all = append(all, stands)
	}
	return all, nil
}

// checkAll refuses a database whose tables are not those of this program.
func checkAll(ctx context.Context, db *sql.DB, engine string, schemas []Schema) error {
	all, err := standings(ctx, db, engine, schemas)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.have < s.want {
			return errs.New(errs.Precondition, "store.not_migrated",
				"数据库表结构过旧，请先运行 hengdai migrate。", "The tables of the database are out of date: run `hengdai migrate` first.").
				Because(fmt.Errorf("%s is at version %d of %d", s.name, s.have, s.want))
		}
	}
	return refuseNewer(all)
}

// refuseNewer: what a newer program wrote cannot be understood, and writing to it would spoil it.
func refuseNewer(all []standing) error {
	for _, s := range all {
		if s.have > s.want {
			return errs.New(errs.Precondition, "store.too_new",
				"数据库表结构比本程序新，请升级程序。", "The tables of the database are newer than this program: use a newer program.").
				Because(fmt.Errorf("%s is at version %d, this program knows %d", s.name, s.have, s.want))
		}
	}
	return nil
}

// upgradeFile brings the tables of an SQLite file up to date. A file with older tables is copied first, to
// <file>.before-upgrade-<versions>, so that the older program can go on with the copy if it must.
func upgradeFile(ctx context.Context, writing *sql.DB, path string, schemas []Schema) error {
	all, err := standings(ctx, writing, SQLite, schemas)
	if err != nil {
		return err
	}
	if err := refuseNewer(all); err != nil { // before anything is copied
		return err
	}
	older, to := false, path+".before-upgrade"
	for _, s := range all {
		older = older || s.have > 0 && s.have < s.want
		to += fmt.Sprintf("-%s.%d", s.name, s.have)
	}
	if older && path != Memory {
		if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) { // it is there if an upgrade was interrupted
			if err := Backup(ctx, []Copy{{From: path, To: to}}); err != nil {
				return errs.Wrap(Explain(err), "copying the database before its upgrade")
			}
		}
	}
	return migrateAll(ctx, writing, SQLite, schemas)
}

// version reads goose's table without making it.
func version(ctx context.Context, db *sql.DB, engine, name string) (int64, error) {
	look := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	if engine == SQLite {
		look = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"
	}
	var n int64
	if err := db.QueryRowContext(ctx, look, name+"_version").Scan(&n); err != nil {
		return 0, Explain(err)
	}
	if n == 0 {
		return 0, nil
	}
	var v sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+name+"_version WHERE is_applied = 1").Scan(&v); err != nil {
		return 0, Explain(err)
	}
	return v.Int64, nil
}

// provider answers goose for one schema, nil if it has no migrations.
func provider(db *sql.DB, engine string, s Schema) (*goose.Provider, error) {
	files := s.Files
	if files == nil {
		return nil, nil
	}
	if info, err := fs.Stat(files, "schema"); err == nil && info.IsDir() {
		if files, err = fs.Sub(files, "schema"); err != nil {
			return nil, errs.Wrap(err, "reading the migrations of "+s.Name)
		}
	}
	found, err := fs.Glob(files, path.Join(engine, "*.sql"))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if files, err = fs.Sub(files, engine); err != nil {
		return nil, errs.Wrap(err, "reading the migrations of "+s.Name)
	}
	dialect := goose.DialectSQLite3
	if engine == MySQL {
		dialect = goose.DialectMySQL
	}
	p, err := goose.NewProvider(dialect, db, files, goose.WithTableName(s.Name+"_version"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, errs.Wrap(err, "reading the migrations of "+s.Name)
	}
	return p, nil
}
