package payment

import (
	"embed"

	"github.com/hengdai/hengdai/kit/store"
)

//go:embed schema
var schema embed.FS

// Schema is payment's tables.
func Schema() store.Schema { return store.Schema{Name: "payment", Files: schema} }
