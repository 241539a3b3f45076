// Package wootest is a fake WooCommerce shop over real HTTP, for tests and for "doorzet fakeshop".
//
// It behaves as the recorded shop in testdata does (WooCommerce 10.5): the same ways in and refusals, the same errors,
// dates, totals and headers of lists, the same shapes of orders. It holds any number of orders, made from the recorded
// ones when they are asked for. It sends no webhooks yet, and knows no products or customers.
//
// Beside the shop's own REST API it has a control API, as methods of Shop and over HTTP below /_control/, without keys:
//
//	GET    /_control/orders/{id}      the order as REST would show it, without any fault
//	POST   /_control/orders           add orders: one object or an array of {"id", "status", "total", "currency",
//	                                  "created", "modified", "order_key", "number", "template", "count", "fields"}, all
//	                                  optional; times as 2026-01-31T10:00:00Z; answers {"ids": [...]}
//	POST   /_control/orders/{id}      change one: {"status", "total", "created", "modified", "order_key", "fields"}; the
//	                                  modified time rises unless it is given
//	DELETE /_control/orders/{id}      to the trash; ?force=true removes it for ever
//	GET    /_control/requests         what was asked: {"counts": {"single", "list", "other"}, "requests": [...]}
//	POST   /_control/reset-requests   forget that
//	POST   /_control/webhooks         add a webhook: {"delivery_url", "topic", "status"}
//	DELETE /_control/webhooks         remove all, ?id=7 only one
//	POST   /_control/identity         {"home", "store_id", "name", "time_zone", "version"}: what is given changes
//	POST   /_control/statuses         {"slug", "name"} registers a status, {"slug", "remove": true} takes it away
//	POST   /_control/faults           {"kind", "count", "path", "max_url", ...}: the next count requests (0 is all) whose path
//	                                  or query contains "path", and is longer than "max_url", go wrong; see Fault for
//	                                  the kinds and what each takes. {"kind": "latency", "delay_ms": 60,
//	                                  "per_order_ms": 7.5, "per_row_ms": 1.7} is a real shop's pace, and applies besides
//	DELETE /_control/faults           everything works again
package wootest
