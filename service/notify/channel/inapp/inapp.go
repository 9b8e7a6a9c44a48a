// Package inapp is the inbox in the app: a message is delivered by being stored.
package inapp

import (
	"context"

	"github.com/hengdai/hengdai/service/notify/channel"
)

type inbox struct{}

// New answers the inbox.
func New(channel.Config) (channel.Channel, error) { return inbox{}, nil }

// Profile says that nothing goes outside.
func (inbox) Profile() channel.Profile { return channel.Profile{Name: "in_app", Local: true} }

// Send says what storing did.
func (inbox) Send(context.Context, channel.Message) (channel.Receipt, error) {
	return channel.Receipt{Status: channel.Delivered}, nil
}

// Query says what storing did.
func (inbox) Query(context.Context, string) (channel.Receipt, error) {
	return channel.Receipt{Status: channel.Delivered}, nil
}

// Report refuses: nobody reports on the inbox.
func (inbox) Report(channel.Received) (channel.Report, error) {
	return channel.Report{}, channel.ErrMalformed
}
