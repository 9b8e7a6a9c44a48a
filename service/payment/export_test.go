package payment

import (
	"context"

	"github.com/hengdai/hengdai/kit/job"
)

// Drive lets a test be a worker with a fence of its own choice.
func (s *Service) Drive(ctx context.Context, orderID, fence int64) error {
	return s.driveOrder(ctx, job.Effect{Kind: effectOrder, ID: orderID, Fence: fence})
}
