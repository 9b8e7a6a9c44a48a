package loan

import (
	"embed"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	loanv1 "github.com/hengdai/hengdai/api/loan/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

//go:embed product
var productFiles embed.FS

// purpose is a use of the money. One with bans may be refused by law.
type purpose struct {
	Code   string `yaml:"code"`
	NameZH string `yaml:"name_zh"`
	NameEN string `yaml:"name_en"`
	Bans   []ban  `yaml:"bans"`
}

// ban names a rule of law and the kinds of lender it binds; none: all.
type ban struct {
	Rule    string   `yaml:"rule"`
	Lenders []string `yaml:"lenders"`
}

type purposeTable []purpose

func readPurposes() (purposeTable, error) {
	raw, err := productFiles.ReadFile("product/purposes.yaml")
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	var t purposeTable
	if err := yaml.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("parsing: %w", err)
	}
	return t, nil
}

func (t purposeTable) find(code string) (purpose, bool) {
	i := slices.IndexFunc(t, func(p purpose) bool { return p.Code == code })
	if i < 0 {
		return purpose{}, false
	}
	return t[i], true
}

// bannedBy answers the rule that forbids a kind of lender to lend for this; empty if none.
func (p purpose) bannedBy(lenderType string) string {
	for _, b := range p.Bans {
		if len(b.Lenders) == 0 || slices.Contains(b.Lenders, lenderType) {
			return b.Rule
		}
	}
	return ""
}

// refuse answers why a purpose cannot be served: unknown, forbidden by law, or not offered by the product.
func (t purposeTable) refuse(code string, of *product) error {
	p, ok := t.find(code)
	if !ok {
		return errs.New(errs.Invalid, "purpose.unknown", "贷款用途不在列表中。", "The purpose is not in the list.").On("purpose")
	}
	if rule := p.bannedBy(of.LenderType); rule != "" {
		return errs.New(errs.Invalid, "purpose.banned."+rule,
			"监管规定贷款不得用于"+p.NameZH+"（"+rule+"）。", "By law this lender may not lend for: "+p.NameEN+" ("+rule+").").On("purpose")
	}
	if !slices.Contains(of.Purposes, code) {
		return errs.New(errs.Invalid, "purpose.not_offered",
			"该产品不支持用途："+p.NameZH+"。", "This product is not for: "+p.NameEN+".").On("purpose")
	}
	return nil
}

func (t purposeTable) offered(of *product) []*loanv1.Purpose {
	out := make([]*loanv1.Purpose, 0, len(of.Purposes))
	for _, code := range of.Purposes {
		if p, ok := t.find(code); ok {
			out = append(out, &loanv1.Purpose{Code: p.Code, NameZh: p.NameZH, NameEn: p.NameEN})
		}
	}
	return out
}
