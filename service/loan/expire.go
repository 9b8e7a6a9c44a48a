package loan

import (
	"context"

	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// expireBatch is how many applications one step ends.
const expireBatch = 100

// expire ends open applications whose last day has passed and frees what they hold of a limit.
func (s *Service) expire(ctx context.Context) (bool, error) {
	on, err := s.businessDate(ctx, s.deps.DB.Primary())
	if err != nil {
		return false, errs.Wrap(err, "reading the business date")
	}
	due, err := rows.New(s.deps.DB.Primary()).ApplicationsToExpire(ctx, rows.ApplicationsToExpireParams{ExpiresOn: on.String(), Limit: expireBatch})
	if err != nil {
		return false, errs.Wrap(err, "listing applications to expire")
	}
	for _, d := range due {
		err := s.write(ctx, func(tx *store.Tx) error {
			row, err := rows.New(tx).Application(ctx, rows.ApplicationParams(d))
			if err != nil {
				return errs.Wrap(err, "reading an application")
			}
			if row.OpenKey != 0 || row.ExpiresOn >= on.String() {
				return nil
			}
			return s.end(ctx, tx, &row, domain.Expire, "application.not_signed_in_time", 0)
		})
		if err != nil {
			return false, errs.Wrap(err, "expiring an application")
		}
	}
	return len(due) == expireBatch, nil
}
