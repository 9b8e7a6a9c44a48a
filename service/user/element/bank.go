package element

import (
	_ "embed"
	"strings"

	"github.com/hengdai/hengdai/kit/secret"
)

// banks.csv holds issuer prefixes: prefix,bank. The longest prefix that fits decides.
//
//go:embed banks.csv
var bankTable string

// sandboxIssuer is an issuer range that no bank has.
const sandboxIssuer = "9901"

// bankNames are the names customers read, by bank code.
var bankNames = map[string]string{
	"ICBC": "中国工商银行", "ABC": "中国农业银行", "BOC": "中国银行", "CCB": "中国建设银行", "BCOM": "交通银行", "CMB": "招商银行",
	"PSBC": "中国邮政储蓄银行", "CIB": "兴业银行", "CEB": "中国光大银行", "CITIC": "中信银行", "SPDB": "浦发银行", "PAB": "平安银行",
	"CMBC": "中国民生银行", "HXB": "华夏银行", "GDB": "广发银行",
}

// UnknownBank is the code of a card whose issuer the table does not hold; the identity channel's answer names it later.
const UnknownBank = "OTHER"

// CardNo checks a card number (16 to 19 digits, Luhn) and answers its bank's code, or UnknownBank.
func (r Rules) CardNo(number secret.String) (bank string, err error) {
	v := number.Reveal()
	if len(v) < 16 || len(v) > 19 || !digits(v) || !luhn(v) {
		return "", ErrCardNo
	}
	if v[:2] == "99" && (!r.Sandbox || !strings.HasPrefix(v, sandboxIssuer)) {
		return "", ErrCardNo
	}
	return bankOf(v), nil
}

// BankName is what a customer reads for a bank code.
func BankName(code string) string {
	if name, ok := bankNames[code]; ok {
		return name
	}
	return "银行卡"
}

func bankOf(number string) string {
	best, bank := "", UnknownBank
	for line := range strings.Lines(bankTable) {
		prefix, code, ok := strings.Cut(strings.TrimSpace(line), ",")
		if ok && len(prefix) > len(best) && strings.HasPrefix(number, prefix) {
			best, bank = prefix, code
		}
	}
	return bank
}
