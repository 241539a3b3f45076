package main

import "time"

// size is how large the benchmarks are.
type size struct {
	nights    []nightSize
	planShops int
	pickup    pickupSize
	push      pushSize
	backlog   backlogSize
	mix       mixSize
	scale     scaleSize
}

// fullSize is what docs/performance.md tells of.
var fullSize = size{
	nights: []nightSize{
		{open: 10, times: 3}, {open: 149, times: 3}, {open: 150, times: 3}, {open: 1_000, times: 3},
		{open: 10_000, times: 1, told: true}, {open: 100_000, times: 1, told: true},
	},
	planShops: 100_000,
	pickup:    pickupSize{ours: 200, bare: 20, drained: 60_000},
	push:      pushSize{shops: []int{1, 10}, orders: 5_000, floor: 5 * time.Second},
	backlog:   backlogSize{due: 50_000, fresh: 30, alone: 5 * time.Second},
	mix:       mixSize{ordinary: 135, hang: 20, busy: 20, html: 20, large: 5, open: 40, many: 20_000, patience: 10 * time.Minute},
	scale:     scaleSize{shops: 200, open: 20, slow: 2, workers: []int{1, 2, 4}, kill: true},
}

// quickSize is for seeing that they run, in about two minutes.
var quickSize = size{
	nights:    []nightSize{{open: 10, times: 1}, {open: 149, times: 1}, {open: 1_000, times: 1, told: true}},
	planShops: 5_000,
	pickup:    pickupSize{ours: 20, bare: 3, drained: 5_000},
	push:      pushSize{shops: []int{1}, orders: 500, floor: time.Second},
	backlog:   backlogSize{due: 2_000, fresh: 3, alone: time.Second},
	mix:       mixSize{ordinary: 10, hang: 1, busy: 1, html: 1, large: 1, open: 10, many: 500, patience: 5 * time.Minute},
	scale:     scaleSize{shops: 20, open: 10, slow: 2, workers: []int{1, 2}, kill: true},
}
