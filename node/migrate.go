package node

import (
	"context"
	"fmt"

	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/store"
)

// Migrate brings the tables of every service that the configuration runs up to date and tells each by name.
func Migrate(ctx context.Context, cfg *config.Config, tell func(service string)) error {
	for _, p := range table() {
		if p.schema == nil || !cfg.Runs(p.name) {
			continue
		}
		if err := store.Migrate(ctx, storeConfig(cfg, p.name), p.schema()); err != nil {
			return fmt.Errorf("migrate %s: %w", p.name, err)
		}
		tell(p.name)
	}
	return nil
}
