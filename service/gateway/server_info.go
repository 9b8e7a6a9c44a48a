package gateway

import (
	"context"
	"time"

	gatewayv1 "github.com/hengdai/hengdai/api/gateway/v1"
	"github.com/hengdai/hengdai/kit/clock"
)

// public serves gateway.v1.Public.
type public struct{ *Service }

// GetServer answers what kind of system this is and what time it is there.
func (p public) GetServer(context.Context, *gatewayv1.GetServerRequest) (*gatewayv1.GetServerResponse, error) {
	now := p.deps.Clock.Now()
	return &gatewayv1.GetServerResponse{
		Profile: string(p.deps.Profile), Version: p.deps.Version, NowMs: now.UnixMilli(), Today: now.In(clock.Shanghai).Format(time.DateOnly),
	}, nil
}
