package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3"

	"github.com/hengdai/hengdai/kit/errs"
)

var (
	errLocked = errs.New(errs.Unavailable, "store.locked",
		"数据库正被其他程序占用，未作任何更改，请稍后重试。", "The database is locked by another program; nothing was changed. Please try again later.")
	errFull = errs.New(errs.Unavailable, "store.full",
		"数据库所在磁盘已满，未作任何更改，请联系管理员。", "The disk of the database is full; nothing was changed. Please tell the administrator.")
	errIO = errs.New(errs.Unavailable, "store.io",
		"数据库读写失败，未作任何更改，请联系管理员。", "The database could not be read or written; nothing was changed. Please tell the administrator.")
	errUnreachable = errs.New(errs.Unavailable, "store.unreachable",
		"数据库暂时无法连接，请稍后重试。", "The database cannot be reached at the moment. Please try again later.")
	errBusy = errs.New(errs.Unavailable, "store.busy",
		"系统繁忙，未作任何更改，请稍后重试。", "The system is busy; nothing was changed. Please try again later.")
	errCancelled = errs.New(errs.Unavailable, "store.cancelled",
		"请求已被取消或超时，请重试。", "The request was cancelled or timed out. Please try again.")
	errUnknown = errs.New(errs.Unavailable, "store.outcome_unknown",
		"与数据库的连接在提交时中断，结果未知，请用同一请求重试。", "The connection to the database broke during commit and the outcome is unknown. Please repeat the same request.")
	errDuplicate = errs.New(errs.Conflict, "store.duplicate",
		"该记录已存在。", "This record already exists.")
)

// Explain turns what a driver answered into the error that a caller of the service can be given: Unavailable with a
// readable sentence for a locked, full, broken or unreachable database and for a cancelled read, Conflict for a duplicate
// key. Anything else, nil and sql.ErrNoRows among it, is answered as it is.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errCancelled.Because(err)
	}
	if e := explainSQLite(err); e != nil {
		return e.Because(err)
	}
	if lite := sqlite3.ErrorCode(0); errors.As(err, &lite) {
		return err // its errors look like those of a network, which explainMySQL would take them for
	}
	if e := explainMySQL(err); e != nil {
		return e.Because(err)
	}
	switch {
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed":
		return errClosed.Because(err)
	case errors.Is(err, errLost):
		return errIO.Because(err)
	}
	return err
}

func explainSQLite(err error) *errs.Error {
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return nil
	}
	switch code {
	case sqlite3.BUSY, sqlite3.LOCKED:
		return errLocked
	case sqlite3.FULL:
		return errFull
	case sqlite3.IOERR, sqlite3.CANTOPEN, sqlite3.READONLY, sqlite3.CORRUPT, sqlite3.NOTADB, sqlite3.NOMEM, sqlite3.PERM, sqlite3.PROTOCOL:
		return errIO
	case sqlite3.INTERRUPT:
		return errCancelled
	case sqlite3.CONSTRAINT:
		if IsDuplicate(err) {
			return errDuplicate
		}
	default: // a fault of the statement
	}
	return nil
}

// refusedByServer are the numbers of a server that does not let us in: a wrong or locked account, no such database, a blocked
// host, a statement that an administrator killed. Nothing is wrong with the request.
var refusedByServer = map[uint16]bool{1044: true, 1045: true, 1049: true, 1129: true, 1130: true, 1317: true, 1698: true, 3118: true, 4151: true}

func explainMySQL(err error) *errs.Error {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		switch {
		case retryable(e):
			return errBusy
		case e.Number == 1062:
			return errDuplicate
		case e.Number == 1021 || e.Number == 1114:
			return errFull
		case refusedByServer[e.Number]:
			return errUnreachable
		case e.Number == 1040 || e.Number == 1203 || e.Number == 1053 || e.Number == 1290 || e.Number == 1836 || e.Number == 1927:
			return errUnreachable
		}
		return nil
	}
	var network net.Error
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.As(err, &network) {
		return errUnreachable
	}
	return nil
}

// IsDuplicate says whether a statement failed because a primary or unique key exists already.
func IsDuplicate(err error) bool {
	var lite sqlite3.ExtendedErrorCode
	if errors.As(err, &lite) {
		return lite == sqlite3.CONSTRAINT_UNIQUE || lite == sqlite3.CONSTRAINT_PRIMARYKEY || lite == sqlite3.CONSTRAINT_ROWID
	}
	var my *mysql.MySQLError
	return errors.As(err, &my) && my.Number == 1062
}

// One is for the result of a compare-and-set, an :execrows of sqlc: no row means that what was read is stale or gone, and
// One answers stale.
func One(n int64, err error, stale error) error {
	switch {
	case err != nil:
		return err
	case n == 0:
		return stale
	}
	return nil
}
