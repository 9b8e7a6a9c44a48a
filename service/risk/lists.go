package risk

import (
	"context"

	riskv1 "github.com/hengdai/hengdai/api/risk/v1"
	"github.com/hengdai/hengdai/domain/flow"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/risk/rows"
)

// lookUp says which of the application's tokens stand on the blacklist on the business date.
func (s *Service) lookUp(ctx context.Context, q *rows.Queries, req *riskv1.DecideRequest, p *flow.Profile) error {
	for _, one := range []struct {
		kind, token string
		into        *bool
	}{
		{kindMobile, req.GetMobileToken(), &p.ListedMobile},
		{kindCard, req.GetCardToken(), &p.ListedCard},
		{kindDevice, req.GetDeviceToken(), &p.ListedDevice},
		{kindIP, req.GetIpToken(), &p.ListedIP},
		{kindAddress, req.GetAddressToken(), &p.ListedAddress},
	} {
		if one.token == "" {
			continue
		}
		n, err := q.Listed(ctx, rows.ListedParams{Bucket: tokenBucket(one.kind, one.token), Kind: one.kind, Token: one.token,
			ExpiresOn: req.GetAppliedOn()})
		if err != nil {
			return errs.Wrap(store.Explain(err), "looking up the blacklist")
		}
		*one.into = n > 0
	}
	return nil
}
