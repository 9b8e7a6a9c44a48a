package loan

import (
	"context"
	"database/sql"
	"errors"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

var (
	errStale = errs.New(errs.Conflict, "loan.changed_meanwhile", "数据刚刚被更改，请刷新后重试。", "It was changed a moment ago. Please look again and retry.")

	errNoApplication = errs.New(errs.NotFound, "application.not_found", "没有找到该申请。", "There is no such application.")
)

func isNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// notFound answers what for a missing row, else the error itself.
func notFound(err error, what *errs.Error) error {
	if isNoRows(err) {
		return what
	}
	return err
}

// writeTries bounds how often a unit of work is run again because another changed a row it had read.
const writeTries = 64

// write runs a unit of work, again if it lost a compare-and-set: it then reads what the winner left.
func (s *Service) write(ctx context.Context, work func(tx *store.Tx) error) error {
	var err error
	for range writeTries {
		err = s.deps.DB.Write(ctx, work)
		if !errors.Is(err, errStale) {
			return err
		}
	}
	return err
}

// borrower answers who calls, for methods that only borrowers may call.
func borrower(ctx context.Context) (rpc.Principal, error) {
	p := rpc.From(ctx)
	if p.Kind != rpc.Borrower || p.ID <= 0 {
		return p, errs.New(errs.Unauthenticated, "loan.borrower_only", "请先登录。", "Please sign in.")
	}
	return p, nil
}

// member answers the member of staff who calls.
func member(ctx context.Context) (rpc.Principal, error) {
	p := rpc.From(ctx)
	if p.Kind != rpc.Staff || p.ID <= 0 {
		return p, errs.New(errs.Denied, "loan.staff_only", "仅限员工操作。", "Only staff may do this.")
	}
	return p, nil
}

// application answers a row; an id that does not exist is NotFound.
func (s *Service) application(ctx context.Context, q store.DBTX, applicationID int64) (rows.Application, error) {
	row, err := rows.New(q).Application(ctx, rows.ApplicationParams{Bucket: id.Bucket(applicationID), ID: applicationID})
	return row, errs.Wrap(notFound(err, errNoApplication), "reading an application")
}

// applicationOf answers a row of one borrower; that of another is NotFound too.
func (s *Service) applicationOf(ctx context.Context, q store.DBTX, userID, applicationID int64) (rows.Application, error) {
	row, err := s.application(ctx, q, applicationID)
	if err == nil && row.UserID != userID {
		return rows.Application{}, errs.Wrap(errNoApplication, "reading an application")
	}
	return row, err
}
