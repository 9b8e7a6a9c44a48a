// Package openapi holds the generated OpenAPI documents of every Public and Staff service.
package openapi

import "embed"

// Files holds <service>/v1/{public,staff}.openapi.json.
//
//go:embed */v1/*.openapi.json
var Files embed.FS
