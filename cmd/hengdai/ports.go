package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/hengdai/hengdai/kit/config"
)

// freePorts gives every address of a configuration that is about to be used alone a port that is free at this moment,
// so that a demo can run beside a started product.
func freePorts(ctx context.Context, cfg *config.Config) error {
	var holders []net.Listener
	free := func() (string, error) {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("find a free port: %w", err)
		}
		holders = append(holders, l)
		return l.Addr().String(), nil
	}
	var errs []error
	for _, address := range []*string{&cfg.Listen.PublicHTTP, &cfg.Listen.PublicHTTPS, &cfg.Listen.Ops, &cfg.Listen.Sandbox} {
		got, err := free()
		*address = got
		errs = append(errs, err)
	}
	for _, l := range holders {
		errs = append(errs, l.Close())
	}
	cfg.Parties = nil // they follow from listen.sandbox
	cfg.CallbackBase = "http://" + cfg.Listen.PublicHTTP
	return errors.Join(errs...)
}
