// Package all is the table of notification channels: a new channel is a package and a line here.
package all

import (
	"fmt"

	"github.com/hengdai/hengdai/service/notify/channel"
	"github.com/hengdai/hengdai/service/notify/channel/inapp"
	"github.com/hengdai/hengdai/service/notify/channel/sms"
)

// Entry is one channel that can be configured.
type Entry struct {
	Name string
	New  func(cfg channel.Config) (channel.Channel, error)
}

// Table lists every channel.
var Table = []Entry{
	{Name: "sms", New: sms.New},
	{Name: "in_app", New: inapp.New},
}

// New makes the configured channel, or says that the table has none of that name.
func New(cfg channel.Config) (channel.Channel, error) {
	for _, e := range Table {
		if e.Name == cfg.Channel {
			return e.New(cfg)
		}
	}
	return nil, fmt.Errorf("there is no notification channel %q", cfg.Channel)
}
