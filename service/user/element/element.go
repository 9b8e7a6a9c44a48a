package element

import (
	"strings"
	"time"
	"unicode"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/secret"
)

// What can be wrong with an element.
var (
	ErrMobile = errs.New(errs.Invalid, "user.mobile_invalid", "手机号码有误，请核对。", "The mobile number is not valid.")
	ErrName   = errs.New(errs.Invalid, "user.name_invalid", "姓名有误，请填写身份证上的姓名。", "The name is not valid; please state the name on the ID card.")
	ErrIDNo   = errs.New(errs.Invalid, "user.id_no_invalid", "身份证号码有误，请核对。", "The ID number is not valid.")
	ErrCardNo = errs.New(errs.Invalid, "user.card_no_invalid", "银行卡号有误，请核对。", "The card number is not valid.")
)

// Rules says which numbers are let in.
type Rules struct {
	// Sandbox lets in numbers that can belong to nobody.
	Sandbox bool
}

// Mobile checks a mainland mobile: eleven digits, in production of a range that operators have (13 to 19).
func (r Rules) Mobile(mobile secret.String) error {
	v := mobile.Reveal()
	if len(v) != 11 || v[0] != '1' || !digits(v) {
		return ErrMobile
	}
	if v[1] < '3' && !r.Sandbox {
		return ErrMobile
	}
	return nil
}

// Name checks a name and brings it into its one form: no blanks around it, the middle dot of Uighur and Tibetan names as
// U+00B7.
func Name(name secret.String) (secret.String, error) {
	v := strings.TrimSpace(name.Reveal())
	v = strings.NewReplacer("•", "·", "・", "·", "．", "·").Replace(v)
	runes := []rune(v)
	if len(runes) < 2 || len(runes) > 50 {
		return secret.String{}, ErrName
	}
	for i, c := range runes {
		inner := i > 0 && i < len(runes)-1
		if !unicode.IsLetter(c) && (!inner || (c != '·' && c != ' ' && c != '.' && c != '-' && c != '\'')) {
			return secret.String{}, ErrName
		}
	}
	return secret.New(v), nil
}

// provinces are the first two digits of ID numbers that were assigned (GB/T 2260, and residence permits of Hong Kong,
// Macao and Taiwan residents).
var provinces = " 11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91 "

// IDNo checks an ID number by GB 11643: area, birth date, check character. It answers the number in its one form (capital
// X) and the birth date. today is the date that a birth cannot be after.
func (r Rules) IDNo(number secret.String, today time.Time) (secret.String, time.Time, error) {
	v := strings.ToUpper(number.Reveal())
	if len(v) != 18 || !digits(v[:17]) || idCheck(v[:17]) != v[17] {
		return secret.String{}, time.Time{}, ErrIDNo
	}
	if !strings.Contains(provinces, " "+v[:2]+" ") && (!r.Sandbox || v[:2] != "99") {
		return secret.String{}, time.Time{}, ErrIDNo
	}
	born, err := time.Parse("20060102", v[6:14])
	if err != nil || born.After(today) || Age(born, today) > 130 {
		return secret.String{}, time.Time{}, ErrIDNo
	}
	return secret.New(v), born, nil
}

// BirthDate reads the birth date out of an ID number that was checked before.
func BirthDate(number secret.String) (time.Time, error) {
	v := number.Reveal()
	if len(v) != 18 {
		return time.Time{}, ErrIDNo
	}
	born, err := time.Parse("20060102", v[6:14])
	if err != nil {
		return time.Time{}, ErrIDNo
	}
	return born, nil
}

// Age is whole years on a date. Who was born on 29 February completes a year on 1 March of a common year.
func Age(born, on time.Time) int {
	years := on.Year() - born.Year()
	if on.Month() < born.Month() || (on.Month() == born.Month() && on.Day() < born.Day()) {
		years--
	}
	return years
}

var idWeights = [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

// idCheck is the check character of seventeen digits.
func idCheck(head string) byte {
	sum := 0
	for i, w := range idWeights {
		sum += int(head[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// luhn says whether digits pass ISO/IEC 7812-1.
func luhn(v string) bool {
	sum := 0
	for i := range len(v) {
		d := int(v[len(v)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func digits(v string) bool {
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return v != ""
}
