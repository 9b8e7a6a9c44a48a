package document

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strings"
)

//go:embed text/*.md
var texts embed.FS

// Document is one kind of consent in the version that is in force.
type Document struct {
	// Name is for example "privacy_policy".
	Name string
	// Purpose is what agreeing permits, for example "identity".
	Purpose string
	Version string
	// Required: registration needs it.
	Required bool
	// EffectiveOn is YYYY-MM-DD.
	EffectiveOn string
	// StopsZH and StopsEN say what stops when it is withdrawn.
	StopsZH, StopsEN string
	// ZH and EN are the texts. The Chinese one binds.
	ZH, EN Text
}

// Text is a document in one language.
type Text struct {
	Language, Title, Body string
	// Hash is the SHA-256 of Body in hexadecimal.
	Hash string
}

// Purposes that the rest of user asks for.
const (
	Privacy  = "privacy"
	Identity = "identity"
	Card     = "card"
)

// inForce is the table: one line a document.
var inForce = []Document{
	{Name: "privacy_policy", Purpose: Privacy, Version: "1", Required: true, EffectiveOn: "2026-01-01",
		StopsZH: "账户将停止除还款和查询以外的功能。", StopsEN: "All functions but repayment and enquiry stop."},
	{Name: "identity_authorisation", Purpose: Identity, Version: "1", EffectiveOn: "2026-01-01",
		StopsZH: "不能再核验身份、绑定首张银行卡和申请贷款。", StopsEN: "Identity checks, binding a first card and applying for loans stop."},
	{Name: "card_authorisation", Purpose: Card, Version: "1", EffectiveOn: "2026-01-01",
		StopsZH: "不能再绑定银行卡，已有贷款请改用其他方式还款。", StopsEN: "Binding cards stops; please repay running loans in another way."},
	{Name: "credit_query_authorisation", Purpose: "credit_query", Version: "1", EffectiveOn: "2026-01-01",
		StopsZH: "不再查询征信，尚未决定的申请将终止。", StopsEN: "Credit queries stop; applications that were not decided end."},
	{Name: "credit_report_authorisation", Purpose: "credit_report", Version: "1", EffectiveOn: "2026-01-01",
		StopsZH: "不能再发放新贷款；已发放贷款的报送是法定义务，继续进行。", StopsEN: "No new loan is paid out; reporting of paid-out loans is a legal duty and goes on."},
	{Name: "device_data_authorisation", Purpose: "device", Version: "1", EffectiveOn: "2026-01-01",
		StopsZH: "不再使用设备信息，其他功能不受影响。", StopsEN: "Device data are not used any more; all else stays as it is."},
}

// Book is all documents in force.
type Book struct {
	list []Document
}

// Load reads the texts.
func Load() (*Book, error) {
	b := &Book{}
	for _, d := range inForce {
		var err error
		if d.ZH, err = load(d, "zh"); err != nil {
			return nil, err
		}
		if d.EN, err = load(d, "en"); err != nil {
			return nil, err
		}
		b.list = append(b.list, d)
	}
	return b, nil
}

func load(d Document, language string) (Text, error) {
	raw, err := texts.ReadFile("text/" + d.Name + "." + d.Version + "." + language + ".md")
	if err != nil {
		return Text{}, fmt.Errorf("document %s: %w", d.Name, err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	title, ok := strings.CutPrefix(first, "# ")
	if !ok {
		return Text{}, fmt.Errorf("document %s in %s has no title", d.Name, language)
	}
	sum := sha256.Sum256(raw)
	return Text{Language: language, Title: title, Body: string(raw), Hash: hex.EncodeToString(sum[:])}, nil
}

// All answers the documents in the order in which they are shown.
func (b *Book) All() []Document { return b.list }

// Named answers a document by its name.
func (b *Book) Named(name string) (Document, bool) {
	for _, d := range b.list {
		if d.Name == name {
			return d, true
		}
	}
	return Document{}, false
}

// For answers the document of a purpose.
func (b *Book) For(purpose string) (Document, bool) {
	for _, d := range b.list {
		if d.Purpose == purpose {
			return d, true
		}
	}
	return Document{}, false
}

// In answers the text in a language; anything but "en" is Chinese.
func (d Document) In(language string) Text {
	if language == "en" {
		return d.EN
	}
	return d.ZH
}

// Fits says whether version and hash name a text of this document that is in force.
func (d Document) Fits(version, hash string) bool {
	return version == d.Version && (hash == d.ZH.Hash || hash == d.EN.Hash)
}
