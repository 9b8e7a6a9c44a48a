package job

import "context"

// Extend renews the claims of running effects, as the queue does every few seconds.
func (q *Queue) Extend(ctx context.Context) error { return q.extend(ctx) }
