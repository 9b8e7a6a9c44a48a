package notify

import (
	"embed"

	"github.com/hengdai/hengdai/kit/store"
)

//go:embed schema
var schema embed.FS

// Schema is notify's tables.
func Schema() store.Schema { return store.Schema{Name: "notify", Files: schema} }
