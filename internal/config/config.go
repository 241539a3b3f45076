// Package config is the only reader of the environment.
//
// Load reads every variable once and refuses wrong values with one sentence each, all of them together. It does not
// contact anything: a right value can still lead to a server that is down. Which process needs which variable is said
// by the process, with Need.
package config

import (
	"errors"
	"log/slog"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// Config is what the environment says. Its zero value is of no use: Load makes it.
type Config struct {
	DatabaseURL doorzet.Secret
	RedisURL    doorzet.Secret
	SecretKey   doorzet.Secret // 32 raw bytes; "" when not given

	Listen            string // HOST:PORT of the api
	MetricsListen     string // HOST:PORT of a worker's or scheduler's metrics; "" = none
	PublicURL         string // without a trailing slash; "" = not known
	AllowPrivateShops bool
	LogLevel          slog.Level

	QueuesUser     string // "" = no queue pages
	QueuesPassword doorzet.Secret
	QueuesWritable bool

	WorkerPool      string   // whose shops it serves; "" = those without a pool
	WorkerQueues    []string // names of queues, in the order of the table
	WorkerPush      int
	WorkerReconcile int
	WorkerServers   int

	Drain   time.Duration
	DataDir string

	given map[string]bool
}

// Load reads the environment through getenv (os.Getenv, or a test's own). A variable that is set to "" counts as not
// set. The error holds a doorzet.InputError for every wrong value.
func Load(getenv func(string) string) (Config, error) {
	r := &reader{getenv: getenv, given: map[string]bool{}}
	c := Config{
		DatabaseURL:       r.databaseURL("DATABASE_URL"),
		RedisURL:          r.redisURL("REDIS_URL"),
		SecretKey:         r.key("DOORZET_SECRET_KEY"),
		Listen:            r.address("DOORZET_LISTEN"),
		MetricsListen:     r.address("DOORZET_METRICS_LISTEN"),
		PublicURL:         r.publicURL("DOORZET_PUBLIC_URL"),
		AllowPrivateShops: r.yes("DOORZET_ALLOW_PRIVATE_SHOPS"),
		LogLevel:          r.level("DOORZET_LOG_LEVEL"),
		QueuesUser:        r.user("DOORZET_QUEUES_USER"),
		QueuesPassword:    r.password("DOORZET_QUEUES_PASSWORD"),
		QueuesWritable:    r.yes("DOORZET_QUEUES_WRITABLE"),
		WorkerPool:        r.pool("DOORZET_WORKER_POOL"),
		WorkerQueues:      r.words("DOORZET_WORKER_QUEUES", "push", "reconcile"),
		WorkerPush:        r.number("DOORZET_WORKER_PUSH", 1, 1024),
		WorkerReconcile:   r.number("DOORZET_WORKER_RECONCILE", 1, 1024),
		WorkerServers:     r.number("DOORZET_WORKER_SERVERS", 1, 16),
		Drain:             r.duration("DOORZET_DRAIN", time.Second, 15*time.Minute),
		DataDir:           r.text("DOORZET_DATA_DIR"),
	}
	r.together("DOORZET_QUEUES_USER", "DOORZET_QUEUES_PASSWORD")
	c.given = r.given
	return c, errors.Join(r.problems...)
}

// Given tells whether a variable was set, itself or its _FILE form, so that a default does not count.
func (c Config) Given(name string) bool { return c.given[variable(name).Name] }

// Need refuses to go on without the named variables: a sentence for each that was not set.
func (c Config) Need(names ...string) error {
	var missing []error
	for _, name := range names {
		if !c.Given(name) {
			v := variable(name)
			missing = append(missing, doorzet.Input("%s is not set. %s", v.forms(), v.Meaning))
		}
	}
	return errors.Join(missing...)
}
