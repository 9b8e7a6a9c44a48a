package payment

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"slices"

	"github.com/hengdai/hengdai/kit/errs"
)

const pageDefault = 50

var errToken = errs.New(errs.Invalid, "payment.page_token_invalid", "分页标记无效。", "The page token is not valid.").On("pageToken")

// page is a place in a list that is ordered by two numbers, the newest first.
type page struct {
	size     int32
	at, then int64
}

// readPage reads size and token of a request.
func readPage(size int32, token string) (page, error) {
	p := page{size: size, at: math.MaxInt64, then: math.MaxInt64}
	if p.size == 0 {
		p.size = pageDefault
	}
	if token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return p, errToken
	}
	if _, err := fmt.Sscanf(string(raw), "%d.%d", &p.at, &p.then); err != nil || token != tokenOf(p.at, p.then) {
		return p, errToken
	}
	return p, nil
}

func tokenOf(at, then int64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", at, then))
}

// newest sorts rows by their two numbers, the newest first.
func newest[T any](list []T, key func(T) (int64, int64)) []T {
	slices.SortFunc(list, func(a, b T) int {
		atA, thenA := key(a)
		atB, thenB := key(b)
		return cmp.Or(cmp.Compare(atB, atA), cmp.Compare(thenB, thenA))
	})
	return list
}

// cut answers the page's own rows out of one more than it shows, and the token of the next page, empty at the end.
func cut[T any](list []T, p page, key func(T) (int64, int64)) ([]T, string) {
	if len(list) <= int(p.size) {
		return list, ""
	}
	list = list[:p.size]
	return list, tokenOf(key(list[len(list)-1]))
}
