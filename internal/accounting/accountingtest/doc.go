// Package accountingtest holds what tests of accounting systems share: the behaviour that every system must show (Run),
// fake books to push to (Fake), sample documents, and a generator of orders as a shop would make them.
//
// It is imported by tests only.
package accountingtest
