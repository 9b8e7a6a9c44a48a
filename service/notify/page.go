package notify

import (
	"encoding/base64"
	"encoding/json"
	"math"

	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/service/notify/rows"
)

// cursor is the last row of a page: rows after it are older. Ids only break ties.
type cursor struct {
	MS int64 `json:"m"`
	ID int64 `json:"i"`
}

var errPageToken = errs.New(errs.Invalid, "page_token.invalid", "分页标记无效。", "The page token is not valid.").On("pageToken")

// readCursor reads an opaque page token; none: the newest row.
func readCursor(token string) (cursor, error) {
	if token == "" {
		return cursor{MS: math.MaxInt64, ID: math.MaxInt64}, nil
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

// page cuts a list of at most size+1 rows and answers the token of the next page, empty at the end.
func page(list []rows.Message, size int32) ([]rows.Message, string) {
	if len(list) <= int(size) {
		return list, ""
	}
	list = list[:size]
	last := list[size-1]
	raw, err := json.Marshal(cursor{MS: last.CreatedMs, ID: last.MessageID})
	if err != nil {
		return list, ""
	}
	return list, base64.RawURLEncoding.EncodeToString(raw)
}

func pageSize(asked, usual int32) int32 {
	if asked <= 0 {
		return usual
	}
	return min(asked, 200)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
