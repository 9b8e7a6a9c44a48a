package rpc_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hengdai/hengdai/api/log/v1/logv1connect"
	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/rpc"
	"github.com/hengdai/hengdai/kit/rpc/rpctest"
)

// signed makes a token by hand, as a process with a clock or a mind of its own could.
func signed(t *testing.T, by string, token *rpcv1.PrincipalToken) string {
	t.Helper()
	body, err := proto.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding
	return enc.EncodeToString(body) + "." + enc.EncodeToString(rpctest.Signer(by).Sign(body))
}

func TestATokenLivesForAMinuteOfRealTime(t *testing.T) {
	check := rpc.NewTokens("loan", rpctest.Signer("loan"))
	now := time.Now()
	for name, c := range map[string]struct {
		issued, expires time.Duration
		ok              bool
	}{
		"fresh":               {0, time.Minute, true},
		"almost over":         {-59 * time.Second, time.Second, true},
		"over":                {-61 * time.Second, -time.Second, false},
		"of the future":       {10 * time.Second, 70 * time.Second, false},
		"with a longer life":  {0, time.Hour, false},
		"a clock a bit ahead": {2 * time.Second, 62 * time.Second, true},
	} {
		token := signed(t, "user", &rpcv1.PrincipalToken{Issuer: "user", Audience: "loan",
			IssuedMs: now.Add(c.issued).UnixMilli(), ExpiresMs: now.Add(c.expires).UnixMilli(),
			Who: &rpcv1.PrincipalIdentity{Kind: rpcv1.Caller_CALLER_SERVICE, Service: "user"}})
		_, err := check.Check(token)
		if (err == nil) != c.ok || err != nil && errs.ReasonOf(err) != "rpc.no_principal" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnUnknownKindIsRefused(t *testing.T) {
	now := time.Now()
	for _, kind := range []rpcv1.Caller{0, 99, 258} {
		token := signed(t, "gateway", &rpcv1.PrincipalToken{Issuer: "gateway", Audience: "loan", IssuedMs: now.UnixMilli(),
			ExpiresMs: now.Add(time.Minute).UnixMilli(), Who: &rpcv1.PrincipalIdentity{Kind: kind, Id: 1}})
		if _, err := rpc.NewTokens("loan", rpctest.Signer("loan")).Check(token); err == nil {
			t.Errorf("kind %d was taken", kind)
		}
	}
}

func TestATokenIsSignedOnceForManyCallsAndSaysAll(t *testing.T) {
	tokens := rpc.NewTokens("gateway", rpctest.Signer("gateway"))
	who := rpc.Principal{Kind: rpc.Staff, ID: 7, SessionID: 8, Roles: []string{"reviewer", "admin"}, IP: "127.1.2.3", DeviceToken: "d"}
	first := mustIssue(t, tokens, "loan", who)
	if mustIssue(t, tokens, "loan", who) != first {
		t.Error("signed twice")
	}
	if mustIssue(t, tokens, "user", who) == first {
		t.Error("one token for two services")
	}
	got, err := rpc.NewTokens("loan", rpctest.Signer("loan")).Check(first)
	if err != nil || got.ID != 7 || got.SessionID != 8 || !slices.Equal(got.Roles, who.Roles) || got.IP != who.IP || got.DeviceToken != "d" || !got.HasRole("x", "admin") {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestAMuxKnowsWhatIsMountedAndHasNoOtherDoors(t *testing.T) {
	m := rpctest.New().Mux("payment")
	m.Handle(logv1connect.NewLogHandler(&upstream{}, m.Options()...))
	m.Handle("/callbacks/payment/alpha", http.NotFoundHandler())
	if !slices.Equal(m.Services(), []string{"log.v1.Log"}) || !slices.Equal(m.Paths(), []string{"/callbacks/payment/alpha", "/log.v1.Log/"}) {
		t.Fatalf("%v %v", m.Services(), m.Paths())
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a back door was mounted")
		}
	}()
	m.Handle("/debug", http.NotFoundHandler())
}

// FuzzCheck: no text is taken for a principal unless a process signed it.
func FuzzCheck(f *testing.F) {
	good, err := rpc.NewTokens("gateway", rpctest.Signer("gateway")).Issue("loan", rpc.Principal{Kind: rpc.Borrower, ID: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[1:])
	f.Add(good + "A")
	f.Add("a.b")
	f.Add(".")
	check := rpc.NewTokens("loan", rpctest.Signer("loan"))
	f.Fuzz(func(t *testing.T, token string) {
		if who, err := check.Check(token); err == nil && token != good {
			t.Fatalf("taken: %+v", who)
		}
	})
}
