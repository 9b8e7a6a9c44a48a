package risk

import (
	"encoding/base64"
	"encoding/json"

	"github.com/hengdai/hengdai/kit/errs"
)

const defaultPage = 50

var errCursor = errs.New(errs.Invalid, "page_token.invalid", "分页标记无效，请从第一页重新查询。", "The page token is not valid; begin at the first page.").On("pageToken")

// cursor is the last row of a page: the keys that the list is ordered by.
type cursor struct {
	MS    int64  `json:"m,omitempty"`
	ID    int64  `json:"i,omitempty"`
	Kind  string `json:"k,omitempty"`
	Token string `json:"t,omitempty"`
}

func (c cursor) encode() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// decodeCursor answers nil for the first page.
func decodeCursor(token string) (*cursor, error) {
	if token == "" {
		return nil, nil //nolint:nilnil // no cursor is the first page, not an error
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, errCursor
	}
	c := &cursor{}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, errCursor
	}
	return c, nil
}

func pageSize(asked int32) int {
	if asked <= 0 {
		return defaultPage
	}
	return int(asked)
}
