package loan

import (
	"encoding/base64"
	"encoding/json"
	"math"

	"github.com/hengdai/hengdai/kit/errs"
)

// cursor is the last row of a page: rows after it are older. Ids are only a tie-break.
type cursor struct {
	MS   int64  `json:"m"`
	ID   int64  `json:"i"`
	Code string `json:"c,omitempty"`
}

// newest is where a list that runs from new to old begins.
var newest = cursor{MS: math.MaxInt64, ID: math.MaxInt64}

var errPageToken = errs.New(errs.Invalid, "page_token.invalid", "分页标记无效。", "The page token is not valid.").On("pageToken")

// readCursor reads an opaque page token; none: the newest row.
func readCursor(token string) (cursor, error) {
	if token == "" {
		return newest, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return cursor{}, errPageToken.Because(err)
	}
	var c cursor
	if err := json.Unmarshal(raw, &c); err != nil {
		return cursor{}, errPageToken.Because(err)
	}
	return c, nil
}

func (c cursor) token() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func pageSize(asked, usual int32) int32 {
	if asked <= 0 {
		return usual
	}
	return min(asked, 200)
}

// page cuts a list of at most size+1 rows and answers the token of the next page, empty at the end.
func page[T any](list []T, size int32, at func(T) cursor) ([]T, string) {
	if len(list) <= int(size) {
		return list, ""
	}
	list = list[:size]
	return list, at(list[size-1]).token()
}
