// Package migrations holds the versioned SQL of the database, embedded into the binaries. A file that has landed is never
// edited: a change is a new file. Code works before and after each of them, since the processes restart in any order.
package migrations

import "embed"

// Files are the migrations, in goose's form.
//
//go:embed *.sql
var Files embed.FS
