package user

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/keys"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/user/channel"
	"github.com/hengdai/hengdai/service/user/document"
	"github.com/hengdai/hengdai/service/user/element"
)

//go:embed schema
var schema embed.FS

// Deps is all that user needs. Every field but Limits and DataDir is required.
type Deps struct {
	DB     *store.DB
	Log    *eventlog.Log
	Clock  clock.Clock
	IDs    *id.Generator
	Logger *slog.Logger
	// Ring is user's own process keys, by which it seals to other processes.
	Ring *keys.Ring
	// KEK wraps the keysets of persons, Index finds values again.
	KEK   tink.AEAD
	Index *vault.Index
	// Identity is the source of the four-element check.
	Identity channel.Identity
	// Sandbox is the profile: numbers of nobody are let in and demo staff are made.
	Sandbox bool
	// DataDir is where the sandbox writes demo-staff.json; empty makes no demo staff.
	DataDir string
	// Limits may be left zero.
	Limits Limits
}

// Limits are the bounds of sign-in and checks. Zero fields take the defaults; the sandbox has ten times as many codes.
type Limits struct {
	// CodeLife is how long a one-time code may be used, CodeGap how long to wait for the next one.
	CodeLife, CodeGap time.Duration
	// CodeTries is how often one code may be tried.
	CodeTries int64
	// CodesPerDay and CodesPerAddressHour bound codes per mobile and per address, FailuresPerDay wrong codes per mobile,
	// FailuresPerAddressHour those per address.
	CodesPerDay, CodesPerAddressHour, FailuresPerDay, FailuresPerAddressHour int64
	// SessionIdle and SessionLife end a borrower's session, StaffIdle and StaffLife a member of staff's.
	SessionIdle, SessionLife, StaffIdle, StaffLife time.Duration
	// SessionsMost is how many sessions a person may have; the least used ends for the next.
	SessionsMost int
	// ChecksPerDay bounds cards stated per person, CardsMost cards held.
	ChecksPerDay int64
	CardsMost    int
	// CheckWait is how long BindCard waits for the channel's answer before it answers CHECKING; negative: not at all.
	CheckWait time.Duration
	// StaffTries is after how many failures a login is locked; the lock doubles from StaffLock up to an hour.
	StaffTries int64
	StaffLock  time.Duration
}

func (l Limits) withDefaults(sandbox bool) Limits {
	play := int64(1)
	if sandbox {
		play = 10 // one machine plays many people
	}
	lasts := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	counts := func(n *int64, v int64) {
		if *n == 0 {
			*n = v
		}
	}
	lasts(&l.CodeLife, 5*time.Minute)
	lasts(&l.CodeGap, time.Minute)
	counts(&l.CodeTries, 5)
	counts(&l.CodesPerDay, 10*play)
	counts(&l.CodesPerAddressHour, 60*play)
	counts(&l.FailuresPerDay, 20)
	counts(&l.FailuresPerAddressHour, 100)
	lasts(&l.SessionIdle, 7*24*time.Hour)
	lasts(&l.SessionLife, 30*24*time.Hour)
	lasts(&l.StaffIdle, 30*time.Minute)
	lasts(&l.StaffLife, 12*time.Hour)
	counts(&l.ChecksPerDay, 10)
	lasts(&l.CheckWait, 3*time.Second)
	counts(&l.StaffTries, 5)
	lasts(&l.StaffLock, time.Minute)
	if l.SessionsMost == 0 {
		l.SessionsMost = 10
	}
	if l.CardsMost == 0 {
		l.CardsMost = 10
	}
	return l
}

// Service is user.
type Service struct {
	Deps
	limits    Limits
	vault     *vault.Vault
	queue     *job.Queue
	documents *document.Book
	rules     element.Rules
	passwords *passwords
	bell      *bell
	preparing sync.Mutex
}

// New answers the whole service or an error.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Log == nil || d.Clock == nil || d.IDs == nil || d.Logger == nil {
		return nil, errors.New("user: database, log, clock, ids and logger are required")
	}
	if d.Ring == nil || d.KEK == nil || d.Index == nil || d.Identity == nil {
		return nil, errors.New("user: ring, key-encryption key, index and identity channel are required")
	}
	book, err := document.Load()
	if err != nil {
		return nil, err
	}
	s := &Service{
		Deps: d, limits: d.Limits.withDefaults(d.Sandbox), queue: job.NewQueue(d.DB, d.Clock), documents: book,
		rules: element.Rules{Sandbox: d.Sandbox}, passwords: newPasswords(), bell: newBell(),
	}
	s.vault = vault.New(keySource{s})
	s.queue.Handle(checkKind, s.carryOutCheck)
	d.DB.OnCommit(s.bell.ring)
	return s, nil
}

// Schema is user's tables.
func Schema() store.Schema { return store.Schema{Name: "user", Files: schema} }

// Mount serves the three services.
func (s *Service) Mount(m *rpc.Mux, opts ...connect.HandlerOption) {
	m.Handle(userv1connect.NewPublicHandler(public{s}, opts...))
	m.Handle(userv1connect.NewStaffHandler(staff{s}, opts...))
	m.Handle(userv1connect.NewInternalHandler(internalAPI{s}, opts...))
}

// Jobs is the work that runs at its own pace.
func (s *Service) Jobs() []job.Job {
	return []job.Job{
		{Name: "prepare", Step: s.prepareStep, Every: time.Hour, Wakes: job.Never},
		{Name: "effects", Step: s.queue.Step},
		{Name: "tidy", Step: s.tidy, Every: 10 * time.Minute, Wakes: job.Never},
		audit.Job(s.DB),
	}
}

// Vault answers user's own vault, whose keys lie in its database.
func (s *Service) Vault() *vault.Vault { return s.vault }

// The three proto services are three sets of methods on one service.
type (
	public      struct{ *Service }
	staff       struct{ *Service }
	internalAPI struct{ *Service }
)

// write runs a unit of work, and runs it again if another unit inserted the same key or changed the same row meanwhile:
// then the key is found and the row is read anew.
func (s *Service) write(ctx context.Context, work func(tx *store.Tx) error) error {
	const turns = 10
	var err error
	for range turns {
		err = s.DB.Write(ctx, work)
		if !store.IsDuplicate(err) && !errors.Is(err, errStale) {
			return err
		}
	}
	return errLocked.Because(err)
}
