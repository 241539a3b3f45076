// Package woo is the shop: a polite and suspicious client of one WooCommerce store's REST API, and the tolerant decoding
// of what it answers.
//
// It knows nothing of nights, bookings or rows: it asks one question and says what the shop answered, or what was met
// instead, as a doorzet.ShopError in the owner's words. It only reads. An answer counts only when its content type, its
// JSON shape and (for lists) its totals are right: a firewall's page is never taken for "no orders".
//
// The facts about WooCommerce stand beside the code that needs them. They were measured on WooCommerce 10.5 with both
// kinds of order storage, or read in its source.
package woo
