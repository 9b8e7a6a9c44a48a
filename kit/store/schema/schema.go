// Package schema holds the migrations of the tables that kit keeps in every service's database: leases, the service's
// log and what it has read of others' logs, stored effects and idempotency keys. They are versioned apart from the
// service's own tables, in kit_version.
package schema

import "embed"

// Files holds the folders sqlite and mysql, whose numbered files make the same tables with the same columns in order.
//
//go:embed sqlite/*.sql mysql/*.sql
var Files embed.FS
