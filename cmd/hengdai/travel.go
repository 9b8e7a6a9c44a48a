package main

import (
	"context"
	"fmt"
	"io"

	"github.com/hengdai/hengdai/demo"
	"github.com/hengdai/hengdai/kit/config"
)

// travelMost is about ten years: beyond it somebody has mistyped.
const travelMost = 3660

func runTravel(ctx context.Context, args []string, out io.Writer) error {
	set := flags("travel", out)
	file := set.String("config", "", "configuration file (YAML)")
	dataDir := set.String("data", "", "data folder; empty: as configured")
	days := set.Int("days", 0, "how many days to pass (required)")
	if err := parse(set, args); err != nil {
		return err
	}
	if *days < 1 || *days > travelMost {
		return &usageError{fmt.Sprintf("--days is %d: want 1 to %d", *days, travelMost)}
	}
	cfg, err := load(*file, *dataDir, "")
	if err != nil {
		return err
	}
	if cfg.Profile != config.Sandbox {
		return &usageError{"time cannot be moved in the production profile"}
	}
	options, err := reach(cfg, cfg.Listen.PublicHTTPS, out)
	if err != nil {
		return err
	}
	return demo.Travel(ctx, options, *days)
}
