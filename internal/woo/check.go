package woo

import "context"

// Step is one step of a diagnosis.
type Step struct {
	Name   string
	OK     bool
	Tried  bool   // false when an earlier step stood in the way
	Found  string // what was met
	Advice string // what to do, when not OK
}

// Check looks at the connection to the shop step by step, for an owner who wants to know what is wrong.
func (c *Client) Check(ctx context.Context) []Step {
	return nil
}
