package node

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/hengdai/hengdai/api/control/v1/controlv1connect"
	"github.com/hengdai/hengdai/api/loan/v1/loanv1connect"
	"github.com/hengdai/hengdai/api/payment/v1/paymentv1connect"
	"github.com/hengdai/hengdai/api/risk/v1/riskv1connect"
	"github.com/hengdai/hengdai/api/user/v1/userv1connect"
	"github.com/hengdai/hengdai/kit/config"
	"github.com/hengdai/hengdai/kit/job"
	"github.com/hengdai/hengdai/kit/keys"
	"github.com/hengdai/hengdai/kit/rpc/travel"
	"github.com/hengdai/hengdai/kit/vault"
	"github.com/hengdai/hengdai/service/collection"
	"github.com/hengdai/hengdai/service/gateway"
	"github.com/hengdai/hengdai/service/loan"
	"github.com/hengdai/hengdai/service/notify"
	smschannel "github.com/hengdai/hengdai/service/notify/channel"
	"github.com/hengdai/hengdai/service/payment"
	paychannel "github.com/hengdai/hengdai/service/payment/channel"
	paychannels "github.com/hengdai/hengdai/service/payment/channel/all"
	"github.com/hengdai/hengdai/service/report"
	"github.com/hengdai/hengdai/service/risk"
	"github.com/hengdai/hengdai/service/user"
	identity "github.com/hengdai/hengdai/service/user/channel/all"
)

// table is every service: its name, its tables, how it is made. The order is that of config.Services.
func table() []part {
	return []part{
		{"user", user.Schema, makeUser},
		{"risk", risk.Schema, makeRisk},
		{"payment", payment.Schema, makePayment},
		{"loan", loan.Schema, makeLoan},
		{"notify", notify.Schema, makeNotify},
		{"collection", collection.Schema, makeCollection},
		{"report", report.Schema, makeReport},
		{"gateway", nil, makeGateway},
	}
}

func makeUser(_ context.Context, h *host) (service, error) {
	cfg := h.node.cfg
	kek, err := keys.KEK(cfg.KeysDir, h.node.sandboxed())
	if err != nil {
		return nil, err
	}
	master, err := keys.IndexMaster(cfg.KeysDir, h.node.sandboxed())
	if err != nil {
		return nil, err
	}
	index, err := vault.NewIndex(master)
	if err != nil {
		return nil, err
	}
	bureau, err := identity.Open(identity.Config{
		Name: "bureau", BaseURL: cfg.Party("bureau"), KeysDir: cfg.KeysDir, Create: h.node.sandboxed(), HTTP: h.partyClient("bureau"),
	})
	if err != nil {
		return nil, err
	}
	return user.New(user.Deps{
		DB: h.db, Log: h.log, Clock: h.node.clock, IDs: h.ids, Logger: h.logger, Ring: h.ring, KEK: kek, Index: index,
		Identity: bureau, Sandbox: h.node.sandboxed(), DataDir: cfg.DataDir,
	})
}

func makeRisk(_ context.Context, h *host) (service, error) {
	return risk.New(risk.Deps{
		DB: h.db, Log: h.log, Clock: h.node.clock, IDs: h.ids, Vault: h.vault, Logger: h.logger, Sandbox: h.node.sandboxed(),
	})
}

// knownParties are the outside parties of this program: its payment channels and the two others.
func knownParties() []string { return append(paychannels.Names(), "bureau", "sms") }

// checkParties refuses parties that nobody knows, and a production whose payments could go nowhere.
func checkParties(cfg *config.Config) error {
	if err := cfg.OnlyParties(knownParties()...); err != nil {
		return err
	}
	if cfg.Runs("payment") && len(channelsOf(cfg)) == 0 {
		return fmt.Errorf("parties: no payment channel has a base URL: set at least one of %s", strings.Join(paychannels.Names(), ", "))
	}
	return nil
}

// channelsOf answers the payment channels of an installation: in the sandbox profile all, in production those that have a
// base URL; with the others this lender has no contract.
func channelsOf(cfg *config.Config) []paychannels.Entry {
	var list []paychannels.Entry
	for _, e := range paychannels.Table {
		if cfg.Profile == config.Sandbox || cfg.Party(e.Name) != "" {
			list = append(list, e)
		}
	}
	return list
}

func makePayment(_ context.Context, h *host) (service, error) {
	var channels []paychannel.Config
	for i, e := range channelsOf(h.node.cfg) {
		name, at := e.Name, h.node.cfg.Party(e.Name)
		channels = append(channels, paychannel.Config{
			Channel: name, BaseURL: at, MerchantID: "hengdai", KeysDir: h.node.cfg.KeysDir,
			MakeKeys: h.node.sandboxed(), Priority: int64(i + 1), NotifyURL: h.node.cfg.CallbackBase + "/callbacks/payment/" + name,
			Through: func(t http.RoundTripper) http.RoundTripper { return h.node.telemetry.Party(name, t) },
		})
	}
	return payment.New(payment.Deps{
		DB: h.db, Log: h.log, Clock: h.node.clock, IDs: h.ids, Logger: h.logger, Metrics: h.node.telemetry.Metrics.Registry,
		User: client(h, "user", userv1connect.NewInternalClient), LoanLog: logOf(h, "loan"), Channels: channels,
	})
}

func makeLoan(_ context.Context, h *host) (service, error) {
	return loan.New(loan.Deps{
		DB: h.db, Log: h.log, Clock: h.node.clock, IDs: h.ids, Vault: h.vault, Logger: h.logger, Sandbox: h.node.sandboxed(),
		User: client(h, "user", userv1connect.NewInternalClient), Risk: client(h, "risk", riskv1connect.NewInternalClient),
		Payment:    client(h, "payment", paymentv1connect.NewInternalClient),
		PaymentLog: logOf(h, "payment"), UserLog: logOf(h, "user"), RiskLog: logOf(h, "risk"),
	})
}

func makeNotify(_ context.Context, h *host) (service, error) {
	cfg := h.node.cfg
	return notify.New(notify.Deps{
		DB: h.db, Log: h.log, Clock: h.node.clock, IDs: h.ids, Logger: h.logger, Keys: h.ring,
		User:    client(h, "user", userv1connect.NewInternalClient),
		UserLog: logOf(h, "user"), LoanLog: logOf(h, "loan"), CollectionLog: logOf(h, "collection"), PaymentLog: logOf(h, "payment"),
		Channels: []smschannel.Config{{Channel: "sms", BaseURL: cfg.Party("sms"), KeysDir: cfg.KeysDir, MakeKeys: h.node.sandboxed(),
			HTTPClient: h.partyClient("sms")}},
	})
}

func makeCollection(_ context.Context, h *host) (service, error) {
	return collection.New(collection.Deps{
		DB: h.db, Log: h.log, Clock: h.node.clock, IDs: h.ids, Vault: h.vault, Logger: h.logger,
		Loan: client(h, "loan", loanv1connect.NewInternalClient), User: client(h, "user", userv1connect.NewInternalClient), LoanLog: logOf(h, "loan"),
	})
}

func makeReport(_ context.Context, h *host) (service, error) {
	return report.New(report.Deps{
		DB: h.db, Clock: h.node.clock, Logger: h.logger, LoanLog: logOf(h, "loan"), PaymentLog: logOf(h, "payment"), RiskLog: logOf(h, "risk"),
	})
}

// entrance is the gateway as node sees it: it has no database and so no jobs, but follows revocations.
type entrance struct{ *gateway.Service }

// Jobs answers none.
func (entrance) Jobs() []job.Job { return nil }

func makeGateway(_ context.Context, h *host) (service, error) {
	cfg := h.node.cfg
	var proxies []netip.Prefix
	for _, text := range cfg.Listen.TrustedProxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("listen.trusted_proxies: %q is no network: %w", text, err)
		}
		proxies = append(proxies, network)
	}
	made, err := gateway.New(gateway.Deps{
		Directory: h.node.directory, Tokens: h.tokens, Telemetry: h.node.telemetry, Clock: h.node.clock,
		User: client(h, "user", userv1connect.NewInternalClient), UserLog: logOf(h, "user"),
		Profile: cfg.Profile, Version: h.node.version, Limits: cfg.Limits, TrustedProxies: proxies,
		Processes: h.travellers(), Exposed: gateway.Exposed, Callbacks: gateway.Callbacks(paychannels.Names()),
	})
	if err != nil {
		return nil, err
	}
	h.node.entrance = made
	return entrance{made}, nil
}

// travellers are the parts whose clocks move together in the sandbox profile: every service, wherever it runs, and the parties.
func (h *host) travellers() []travel.Part {
	if !h.node.sandboxed() {
		return nil
	}
	var parts []travel.Part
	for _, p := range table() {
		parts = append(parts, travel.Process(p.name, client(h, p.name, controlv1connect.NewControlClient)))
	}
	if base := h.node.sandboxBase(); base != "" {
		parts = append(parts, travel.Sandbox(base, &http.Client{}))
	}
	return parts
}

// sandboxBase is where the parties' control surface is, in this process or in another.
func (n *Node) sandboxBase() string {
	if n.cfg.Profile != config.Sandbox {
		return ""
	}
	if n.cfg.Listen.Sandbox != "" {
		return "http://" + n.cfg.Listen.Sandbox
	}
	return n.cfg.Parties["sandbox"]
}
