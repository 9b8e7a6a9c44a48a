package node

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/reconcile"
	"github.com/hengdai/hengdai/service/payment/channel"
	"github.com/hengdai/hengdai/service/payment/channel/all"
)

// StatementFile is a statement on a disk, with what its name may not tell.
type StatementFile struct {
	// Name is the file's name, Content what is in it.
	Name    string
	Content []byte
	// Channel, Merchant and SettledOn are read from the name where they are empty; Summary is what beta gives beside the file.
	Channel   string
	Merchant  string
	SettledOn string
	Summary   string
	// SHA256 is what the channel says the content hashes to; empty: it is not checked.
	SHA256 string
}

// statementNames are how the channels name their files: merchant, date and version.
var statementNames = map[string]*regexp.Regexp{
	"alpha": regexp.MustCompile(`^alpha_(.{1,64})_(\d{4})(\d{2})(\d{2})_v\d+\.csv$`),
	"beta":  regexp.MustCompile(`^INN(\d{2})(\d{2})(\d{2})88ZM_(.{1,64})$`),
}

// ReadStatement reads and checks a statement without a service: a *reconcile.Refusal says why it would be refused.
func ReadStatement(f StatementFile) (reconcile.Statement, error) {
	base := filepath.Base(f.Name)
	if m := statementNames["alpha"].FindStringSubmatch(base); m != nil && (f.Channel == "" || f.Channel == "alpha") {
		f.fill("alpha", m[1], m[2]+"-"+m[3]+"-"+m[4])
	}
	if m := statementNames["beta"].FindStringSubmatch(base); m != nil && (f.Channel == "" || f.Channel == "beta") {
		f.fill("beta", m[4], "20"+m[1]+"-"+m[2]+"-"+m[3])
	}
	if f.Channel == "" || f.SettledOn == "" {
		return reconcile.Statement{}, fmt.Errorf("the name %q does not tell channel and settlement date; state them", base)
	}
	on, err := calendar.Parse(f.SettledOn)
	if err != nil {
		return reconcile.Statement{}, fmt.Errorf("settlement date: %w", err)
	}
	if f.SHA256 == "" {
		sum := sha256.Sum256(f.Content)
		f.SHA256 = hex.EncodeToString(sum[:])
	}
	return all.Read(channel.StatementFile{
		Channel: f.Channel, Merchant: f.Merchant, SettledOn: on, Version: 1, Name: base, SHA256: strings.ToLower(f.SHA256), Content: f.Content,
		Summary: strings.TrimSpace(f.Summary),
	})
}

func (f *StatementFile) fill(channelName, merchant, on string) {
	f.Channel = channelName
	if f.Merchant == "" {
		f.Merchant = merchant
	}
	if f.SettledOn == "" {
		f.SettledOn = on
	}
}
