package user

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/kit/audit"
	"github.com/hengdai/hengdai/kit/clock"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	eventlog "github.com/hengdai/hengdai/kit/log"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/secret"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/user/rows"
)

// hashBucket is the bucket of a row that is found by a value's index and not by its user.
func hashBucket(kind, idx string) int64 { return id.BucketOf([]byte(kind + "|" + idx)) }

// randomBucket is a new person's bucket, fixed at registration.
func randomBucket() (int64, error) {
	var b [2]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("drawing a bucket: %w", err)
	}
	return int64(binary.BigEndian.Uint16(b[:]) % id.Buckets), nil
}

func none(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// person reads a person; errNotFound if there is none.
func (s *Service) person(ctx context.Context, q store.DBTX, userID int64) (rows.Person, error) {
	p, err := rows.New(q).GetPerson(ctx, rows.GetPersonParams{Bucket: id.Bucket(userID), ID: userID})
	if none(err) {
		return p, errNotFound
	}
	return p, errs.Wrap(err, "reading a person")
}

// putPerson writes what can change of a person, unless somebody else changed it since it was read.
func putPerson(ctx context.Context, tx *store.Tx, p rows.Person) error {
	n, err := rows.New(tx).UpdatePerson(ctx, rows.UpdatePersonParams{
		State: p.State, NameSealed: p.NameSealed, IDNoSealed: p.IDNoSealed, AddressSealed: p.AddressSealed,
		DeviceToken: p.DeviceToken, AddressToken: p.AddressToken, IdentityState: p.IdentityState, IdentityReason: p.IdentityReason,
		IdentifiedMs: p.IdentifiedMs, Bucket: p.Bucket, ID: p.ID, Version: p.Version,
	})
	return store.One(n, err, errStale)
}

// reserve takes a value that one person only may have. taken is answered if somebody has it.
func (s *Service) reserve(ctx context.Context, tx *store.Tx, field, idx string, userID, refID int64, state string, taken func(rows.Reservation) error) error {
	q, bucket := rows.New(tx), hashBucket(field, idx)
	there, err := q.GetReservation(ctx, rows.GetReservationParams{Bucket: bucket, Field: field, Idx: idx})
	if err == nil {
		return taken(there)
	}
	if !none(err) {
		return errs.Wrap(err, "looking up a reservation")
	}
	return q.InsertReservation(ctx, rows.InsertReservationParams{Bucket: bucket, Field: field, Idx: idx, UserID: userID, RefID: refID, State: state})
}

// holder answers who has a value; zero if nobody.
func (s *Service) holder(ctx context.Context, q store.DBTX, field, idx string) (rows.Reservation, error) {
	r, err := rows.New(q).GetReservation(ctx, rows.GetReservationParams{Bucket: hashBucket(field, idx), Field: field, Idx: idx})
	if none(err) {
		return rows.Reservation{}, nil
	}
	return r, errs.Wrap(err, "looking up a reservation")
}

// releaseValue gives a value free. It is no error if it was not taken.
func releaseValue(ctx context.Context, tx *store.Tx, field, idx string, userID, refID int64) error {
	_, err := rows.New(tx).DeleteReservation(ctx, rows.DeleteReservationParams{
		Bucket: hashBucket(field, idx), Field: field, Idx: idx, UserID: userID, RefID: refID})
	return errs.Wrap(err, "releasing a value")
}

func confirmValue(ctx context.Context, tx *store.Tx, field, idx string, userID, refID int64) error {
	n, err := rows.New(tx).ConfirmReservation(ctx, rows.ConfirmReservationParams{
		Bucket: hashBucket(field, idx), Field: field, Idx: idx, UserID: userID, RefID: refID})
	return store.One(n, err, errStale)
}

// token answers the random id that stands for a value and notes that the user holds the value. An empty value has none.
func (s *Service) token(ctx context.Context, tx *store.Tx, kind string, value secret.String, userID int64) (string, error) {
	if value.Empty() {
		return "", nil
	}
	idx := s.Index.Of(kind, value)
	q, bucket := rows.New(tx), hashBucket(kind, idx)
	token, err := q.GetToken(ctx, rows.GetTokenParams{Bucket: bucket, Kind: kind, Idx: idx})
	if none(err) {
		token, err = randomText(16)
		if err == nil {
			err = q.InsertToken(ctx, rows.InsertTokenParams{Bucket: bucket, Kind: kind, Idx: idx, Token: token, CreatedMs: s.now()})
		}
	}
	if err != nil {
		return "", errs.Wrap(err, "token of a "+kind)
	}
	held, err := q.CountTokenHolder(ctx, rows.CountTokenHolderParams{Bucket: bucket, Kind: kind, Idx: idx, UserID: userID})
	if err != nil || held > 0 {
		return token, errs.Wrap(err, "holder of a "+kind)
	}
	err = q.InsertTokenHolder(ctx, rows.InsertTokenHolderParams{Bucket: bucket, Kind: kind, Idx: idx, UserID: userID})
	return token, errs.Wrap(err, "holder of a "+kind)
}

// limit is a bound on uses in a window of real time.
type limit struct {
	name   string
	key    string // a blind index or id, never a value
	window time.Duration
	most   int64
}

func (l limit) row(now time.Time) (bucket int64, name string, start int64) {
	name = l.name + "|" + l.key
	size := l.window.Milliseconds()
	return id.BucketOf([]byte(name)), name, now.UnixMilli() / size * size
}

// reached says whether a limit is used up.
func reached(ctx context.Context, tx *store.Tx, limits ...limit) (bool, error) {
	for _, l := range limits {
		bucket, name, start := l.row(clock.Real())
		uses, err := rows.New(tx).GetCounter(ctx, rows.GetCounterParams{Bucket: bucket, Name: name, WindowMs: start})
		if none(err) {
			continue
		}
		if err != nil {
			return false, errs.Wrap(err, "reading a limit")
		}
		if uses >= l.most {
			return true, nil
		}
	}
	return false, nil
}

// use counts one use against each limit.
func use(ctx context.Context, tx *store.Tx, limits ...limit) error {
	q := rows.New(tx)
	for _, l := range limits {
		bucket, name, start := l.row(clock.Real())
		n, err := q.RaiseCounter(ctx, rows.RaiseCounterParams{Bucket: bucket, Name: name, WindowMs: start})
		if err == nil && n == 0 {
			err = q.InsertCounter(ctx, rows.InsertCounterParams{Bucket: bucket, Name: name, WindowMs: start, EndsMs: start + l.window.Milliseconds()})
		}
		if err != nil {
			return errs.Wrap(err, "counting a use")
		}
	}
	return nil
}

// tell appends an event of a person, or of nobody if userID is zero.
func (s *Service) tell(tx *store.Tx, userID, bucket int64, body proto.Message) error {
	return errs.Wrap(s.Log.Append(tx, eventlog.Event{UserID: userID, Bucket: bucket, Body: body}), "telling")
}

// record writes the audit row of an act by the caller of this request, or by a job.
func (s *Service) record(tx *store.Tx, act, subjectKind string, subjectID int64, reason string, details map[string]string) error {
	p := rpc.From(tx.Context())
	e := audit.Entry{
		ActorKind: p.Kind.String(), ActorID: p.ID, ActorSession: p.SessionID, ActorService: p.Service,
		Act: act, SubjectKind: subjectKind, SubjectID: subjectID, Reason: reason, Details: details, At: s.Clock.Now(),
	}
	if p.Kind == 0 {
		e.ActorKind, e.ActorService = "job", "user"
	}
	if person, ok := p.Person(); ok && p.Kind == rpc.Service {
		e.ActorID, e.ActorSession = person.ID, person.SessionID
	}
	return audit.Write(tx, e)
}

// now is the business instant in milliseconds.
func (s *Service) now() int64 { return s.Clock.Now().UnixMilli() }

func randomText(bytes int) (string, error) {
	b := make([]byte, bytes)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("drawing a random text: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// bodyHash is a keyed hash of a request, for idempotency: a plain one would give away what the request held.
func (s *Service) bodyHash(req proto.Message) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("hashing a request: %w", err)
	}
	sum := sha256.Sum256([]byte(s.Index.Of("request", secret.New(string(raw)))))
	return sum[:], nil
}
