package report

import (
	"encoding/base64"
	"encoding/json"
	"math"

	"github.com/hengdai/hengdai/kit/errs"
)

const usualPage = 50

var errPageToken = errs.New(errs.Invalid, "page_token.invalid", "分页标记无效。", "The page token is not valid.").On("pageToken")

// cursor is the last row of a page: by time and id in lists, by date, transaction, journal and line among entries.
type cursor struct {
	MS      int64  `json:"m,omitempty"`
	ID      int64  `json:"i,omitempty"`
	On      string `json:"o,omitempty"`
	Journal string `json:"j,omitempty"`
	Line    int64  `json:"l,omitempty"`
}

// newest is where a list from new to old begins.
var newest = cursor{MS: math.MaxInt64, ID: math.MaxInt64}

func readCursor(token string, first cursor) (cursor, error) {
	if token == "" {
		return first, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return first, errPageToken.Because(err)
	}
	var c cursor
	if err := json.Unmarshal(raw, &c); err != nil {
		return first, errPageToken.Because(err)
	}
	return c, nil
}

func (c cursor) token() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return "" // cannot happen: numbers and a text
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func pageSize(asked int32) int32 {
	if asked <= 0 {
		return usualPage
	}
	return asked
}

// page cuts a list of at most size+1 rows and answers the token of the next page, empty at the end.
func page[T any](list []T, size int32, at func(T) cursor) ([]T, string) {
	if len(list) <= int(size) {
		return list, ""
	}
	list = list[:size]
	return list, at(list[size-1]).token()
}
