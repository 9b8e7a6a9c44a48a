package people

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Person is somebody whom the identity bureau knows.
type Person struct {
	Name   string `json:"name"`
	IDNo   string `json:"id_no"`
	Mobile string `json:"mobile"`
	// Unreachable: messages to the mobile are not delivered.
	Unreachable bool   `json:"unreachable,omitempty"`
	Cards       []Card `json:"cards"`
}

// Card is a bank card with its account.
type Card struct {
	CardNo string `json:"card_no"`
	Bank   string `json:"bank"`
	// Mobile is the one registered at the bank; empty: the person's.
	Mobile       string `json:"mobile"`
	BalanceMinor int64  `json:"balance_minor"`
	Closed       bool   `json:"closed,omitempty"`
}

// Banks are the issuers of the population; a card's fifth and sixth digit give the index.
var Banks = [...]string{"ICBC", "ABC", "BOC", "CCB", "BCOM", "CMB", "PSBC", "CIB"}

var (
	surnames = []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕")
	givens   = []rune("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂文华建国志海燕玲红波宁云晨宇浩然思雨欣怡子轩")
)

// Options narrow what Generate makes.
type Options struct {
	// BornBetween: first and last birth date; zero: 1965 to 2003.
	First, Last time.Time
	// BalanceMinor on the card.
	BalanceMinor int64
}

// Generate makes n persons with a card each, always the same for the same seed.
func Generate(seed uint64, n int, o Options) []Person {
	people := make([]Person, n)
	for i := range people {
		people[i] = Make(seed, uint64(i), o)
	}
	return people
}

// Make makes the person with a number in a seed's population. Two numbers below 10,000,000 of one seed never share an
// ID number, a mobile or a card.
func Make(seed, number uint64, o Options) Person {
	r := rand.New(rand.NewPCG(seed, number)) //nolint:gosec // repeatable, not secret
	first, last := o.First, o.Last
	if first.IsZero() {
		first = time.Date(1965, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if last.IsZero() {
		last = time.Date(2003, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	days := int(last.Sub(first).Hours()/24) + 1
	born := first.AddDate(0, 0, r.IntN(max(days, 1)))
	return person(r, scatter(seed, number), born, o.BalanceMinor)
}

// MakeBorn makes a person with a given birth date.
func MakeBorn(seed, number uint64, born time.Time, balanceMinor int64) Person {
	r := rand.New(rand.NewPCG(seed, number)) //nolint:gosec // repeatable, not secret
	return person(r, scatter(seed, number), born, balanceMinor)
}

// space of numbers: seven digits, spread by a permutation so that neighbours do not look alike.
const space = 10_000_000

// scatter maps a number one to one into the space: 7,368,787 is prime and does not divide it.
func scatter(seed, number uint64) int {
	return int((number%space*7_368_787 + seed%space) % space)
}

func person(r *rand.Rand, unique int, born time.Time, balanceMinor int64) Person {
	name := []rune{surnames[r.IntN(len(surnames))], givens[r.IntN(len(givens))]}
	if r.IntN(3) > 0 {
		name = append(name, givens[r.IntN(len(givens))])
	}
	// Four digits of the unique number stand in the area code, three in the order number.
	head := fmt.Sprintf("99%04d%s%03d", unique/1000, born.Format("20060102"), unique%1000)
	mobile := fmt.Sprintf("12%02d%07d", r.IntN(100), unique)
	bank := r.IntN(len(Banks))
	card := fmt.Sprintf("9901%02d%05d%07d", bank, r.IntN(100_000), unique)
	return Person{
		Name: string(name), IDNo: head + idCheck(head), Mobile: mobile,
		Cards: []Card{{CardNo: card + luhnDigit(card), Bank: Banks[bank], Mobile: mobile, BalanceMinor: balanceMinor}},
	}
}

// idCheck answers the last character of an ID number by GB 11643-1999.
func idCheck(head string) string {
	weights := [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(head[i]-'0') * w
	}
	return string("10X98765432"[sum%11])
}

// luhnDigit answers the check digit to append (ISO/IEC 7812-1).
func luhnDigit(head string) string {
	sum := 0
	for i := range len(head) {
		d := int(head[len(head)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return strconv.Itoa((10 - sum%10) % 10)
}

// ValidIDNo reports whether an ID number has 18 characters, a date that exists and its check character.
func ValidIDNo(no string) bool {
	if len(no) != 18 || !digits(no[:17]) {
		return false
	}
	if _, err := time.Parse("20060102", no[6:14]); err != nil {
		return false
	}
	return idCheck(no[:17]) == no[17:]
}

// ValidCardNo reports whether a card number has 16 to 19 digits and passes Luhn.
func ValidCardNo(no string) bool {
	return len(no) >= 16 && len(no) <= 19 && digits(no) && luhnDigit(no[:len(no)-1]) == no[len(no)-1:]
}

// ValidMobile reports whether a number has the form of a mainland mobile.
func ValidMobile(no string) bool { return len(no) == 11 && no[0] == '1' && digits(no) }

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
