package payment

import (
	"context"

	"github.com/hengdai/hengdai/kit/job"
)

// Drive lets a test be a worker with a fence of its own choice.
func (s *Service) Drive(ctx context.Context, orderID, fence int64) error {
	return s.driveOrder(ctx, job.Effect{Kind: effectOrder, ID: orderID, Fence: fence})
}

// DriveAttempt does the same for an attempt at another channel, and for an order that waits for one after it.
func (s *Service) DriveAttempt(ctx context.Context, attemptID, fence int64) error {
	if err := s.driveAttempt(ctx, job.Effect{Kind: effectAttempt, ID: attemptID, Fence: fence}); err != nil {
		return err
	}
	return s.driveElsewhere(ctx, job.Effect{Kind: effectElsewhere, ID: attemptID, Fence: fence})
}
