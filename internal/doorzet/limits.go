package doorzet

import "time"

// The numbers of the rules, in one place.
const (
	// BulkFrom is the count of open orders in the window from which a night works in bulk (R6); with fewer it asks for
	// each order by itself (R5).
	BulkFrom = 150
	// BulkLookback is how far back the bulk fetch asks (R6).
	BulkLookback = 14 * 24 * time.Hour
	// WindowShort is the window of a shop without webhooks (R4).
	WindowShort = 21 * 24 * time.Hour
	// WindowMonths is the window of a shop with webhooks, in calendar months (R4).
	WindowMonths = 3
	// NightsOffToNarrow is how many nights in a row must find the webhooks off before the window narrows (R4).
	NightsOffToNarrow = 2
	// BatchSize is how many orders one list call of the shop asks for: WooCommerce's maximum for per_page.
	BatchSize = 100
	// RemainderBudget is how many batches of R7 one night may ask for.
	RemainderBudget = 200
	// FreshFor is how old the document of an order may be when an invoice is made of it; an older one is read again.
	FreshFor = 15 * time.Minute
	// GoneAfter is how far two answers "no such order" must lie apart before an order is gone: a day, as it is from one
	// night to the next when the clocks go forward.
	GoneAfter = 23 * time.Hour
	// ImportOverlap is how far an import reaches back before the start of the last finished one.
	ImportOverlap = time.Hour
	// ImportOverlapCreated is the same for shops that can only filter on creation (WooCommerce before 5.8).
	ImportOverlapCreated = 7 * 24 * time.Hour
	// FullImportEvery is how often all ids since the start date are compared.
	FullImportEvery = 7 * 24 * time.Hour
	// ClaimLease is how long a claim on a night or a booking holds by Postgres' clock; ClaimRenew is how often it is
	// renewed.
	ClaimLease = 30 * time.Second
	// ClaimRenew is how often a held claim is renewed.
	ClaimRenew = 10 * time.Second
	// SweepEvery is how often the scheduler looks for rows that are due to be worked on.
	SweepEvery = 15 * time.Second
	// WakePause is how far a row's wake_at is moved ahead when it is enqueued. With it, the work of a worker that is killed is
	// taken over within 60 seconds: the claim ends at most ClaimLease after the kill, the wake-up is due at most WakePause
	// after it was enqueued, which was before the kill, and the next sweep is at most SweepEvery later.
	WakePause = 30 * time.Second
	// SweepNightsUpTo and SweepBookingsUpTo are how many tasks may wait in the queues before a sweep adds none: what waits there
	// is not lost, and while no worker lives each sweep would add it once more.
	SweepNightsUpTo   = 2000
	SweepBookingsUpTo = 20000
	// WakePerShop is how many pushes of one shop may be enqueued at the same time.
	WakePerShop = 100
	// TakeoversToGiveUp is how many workers in a row may be lost with a night, without its getting further, before it counts as
	// what takes them down.
	TakeoversToGiveUp = 10
	// TakeoversAtOnce is how often in a row a booking may be taken over from workers that were lost before the next one waits: it
	// may be the order that ends them.
	TakeoversAtOnce = 3
	// RestoreMargin is how long after Postgres was restored an order may have been created, by the shop's own clock, and still be
	// looked up in the books before its first create: shops' clocks are off, by hours where a plugin mistakes their zone.
	RestoreMargin = 24 * time.Hour
	// NightSlot is how long a night may hold its worker before it gives the slot back and continues later.
	NightSlot = 10 * time.Minute
)
