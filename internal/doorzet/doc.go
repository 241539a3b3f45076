// Package doorzet is the ground: the words and the rules of the product, as types and pure functions.
//
// It knows nothing of Postgres, Redis, HTTP or any accounting system; it has no clock and no context: time comes in as a
// value. Every other package under internal/ imports this one and no other of ours. Rules are named R1 to R14 as in
// docs/design.md.
package doorzet
