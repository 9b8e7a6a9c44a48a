package world

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"
)

// databases are where the services of a world keep their rows.
type databases interface {
	engine() string
	source(service string) string
	migrate(ctx context.Context, w *World) error
	close(ctx context.Context) error
}

func open(ctx context.Context, dir, dsn string) (databases, error) {
	if dsn == "" {
		return files{dir}, nil
	}
	return openServer(ctx, dsn)
}

// files are one SQLite file a service, in the data folder of its process. They migrate themselves.
type files struct{ dir string }

func (files) engine() string                        { return "sqlite" }
func (f files) source(service string) string        { return filepath.Join(f.dir, service, service+".db") }
func (files) migrate(context.Context, *World) error { return nil }
func (files) close(context.Context) error           { return nil }

// server is a database server with a database and a user for each service.
type server struct {
	root    *mysql.Config
	admin   *sql.DB
	prefix  string
	secrets map[string]string
}

func openServer(ctx context.Context, dsn string) (*server, error) {
	root, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("the address of the database server: %w", err)
	}
	s := &server{root: root, prefix: "sim_" + strings.ToLower(rand.Text()[:8]) + "_", secrets: map[string]string{}}
	if s.admin, err = sql.Open("mysql", dsn); err != nil {
		return nil, err
	}
	for _, service := range Services {
		name := s.prefix + service
		s.secrets[service] = rand.Text()
		err = errors.Join(err,
			s.do(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
			s.do(ctx, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'", name, s.secrets[service])),
			s.do(ctx, fmt.Sprintf("GRANT ALL ON %s.* TO '%s'@'%%'", name, name)))
	}
	if err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

func (s *server) do(ctx context.Context, statement string) error {
	if _, err := s.admin.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%.40s: %w", statement, err)
	}
	return nil
}

func (s *server) engine() string { return "mysql" }

func (s *server) source(service string) string {
	own := s.root.Clone()
	own.User, own.Passwd, own.DBName = s.prefix+service, s.secrets[service], s.prefix+service
	return own.FormatDSN()
}

// migrate makes the tables with the program's own command, as an operator does.
func (s *server) migrate(ctx context.Context, w *World) error {
	together, ctx := errgroup.WithContext(ctx)
	for _, service := range Services {
		if service == "gateway" {
			continue
		}
		together.Go(func() error {
			command := exec.CommandContext(ctx, w.program, "migrate", "--config", w.configFile(service)) //nolint:gosec // the program under test
			command.Env = plainEnvironment()
			if out, err := command.CombinedOutput(); err != nil {
				return fmt.Errorf("migrate %s: %w\n%s", service, err, out)
			}
			return nil
		})
	}
	return together.Wait()
}

func (s *server) close(ctx context.Context) error {
	var errs []error
	for _, service := range Services {
		errs = append(errs, s.do(ctx, "DROP DATABASE IF EXISTS "+s.prefix+service),
			s.do(ctx, fmt.Sprintf("DROP USER IF EXISTS '%s'@'%%'", s.prefix+service)))
	}
	return errors.Join(append(errs, s.admin.Close())...)
}

// Admin is the server's own connection and the name of a service's user, for a look at what the service does there; nil
// for files.
func (w *World) Admin(service string) (db *sql.DB, user string) {
	s, ok := w.databases.(*server)
	if !ok {
		return nil, ""
	}
	return s.admin, s.prefix + service
}
