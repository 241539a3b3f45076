package config

import "strings"

// Variable is one environment variable as the operator reads of it: in the README's table, in .env.example and in the
// sentence that refuses a wrong value.
type Variable struct {
	Name    string
	Default string // what holds when it is not set; "" = nothing
	Secret  bool   // may also be given as NAME_FILE, the path of a file that holds the value
	Meaning string
}

// Variables are all environment variables that Doorzet reads. Defaults are taken from here, so what the README says is
// what happens.
var Variables = []Variable{
	{
		Name: "DATABASE_URL", Default: "postgres://localhost:5432/doorzet?sslmode=disable", Secret: true,
		Meaning: "Postgres, as `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require`. " +
			"`doorzet demo` starts a private Postgres when it is not set.",
	},
	{
		Name: "REDIS_URL", Default: "redis://127.0.0.1:6379/0", Secret: true,
		Meaning: "Redis, as `redis://USER:PASSWORD@HOST:PORT/DB`, `rediss://` with TLS, `unix:///PATH?db=0`; Sentinel as " +
			"`redis-sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/MASTER/DB`; Cluster as `redis-cluster://USER:PASSWORD@HOST:PORT,HOST:PORT`. " +
			"`doorzet demo` starts a private Redis when it is not set.",
	},
	{
		Name: "DOORZET_SECRET_KEY", Secret: true,
		Meaning: "The key that encrypts secrets at rest: base64 of 32 bytes. Make one with `openssl rand -base64 32` and keep it " +
			"apart from the backups. `doorzet demo` makes its own.",
	},
	{Name: "DOORZET_LISTEN", Default: "127.0.0.1:8080", Meaning: "Where the api listens: `HOST:PORT`."},
	{
		Name:    "DOORZET_METRICS_LISTEN",
		Meaning: "Where a worker or scheduler serves `/healthz`, `/readyz` and `/metrics`: `HOST:PORT`. Not set, they open no port.",
	},
	{
		Name:    "DOORZET_PUBLIC_URL",
		Meaning: "The address under which shops and people reach the api, as `https://HOST/PATH`.",
	},
	{
		Name: "DOORZET_ALLOW_PRIVATE_SHOPS", Default: "false",
		Meaning: "`true` lets shops have private and loopback addresses. For development only.",
	},
	{Name: "DOORZET_LOG_LEVEL", Default: "info", Meaning: "`debug`, `info`, `warn` or `error`."},
	{
		Name:    "DOORZET_QUEUES_USER",
		Meaning: "User of the queue pages under `/queues`. Not set, there are no such pages.",
	},
	{Name: "DOORZET_QUEUES_PASSWORD", Secret: true, Meaning: "Password of the queue pages, at least 8 characters."},
	{
		Name: "DOORZET_QUEUES_WRITABLE", Default: "false",
		Meaning: "`true` lets the queue pages pause queues and delete tasks.",
	},
	{
		Name: "DOORZET_WORKER_POOL",
		Meaning: "The pool whose shops a worker serves (`doorzet shop set --pool`). Not set, it serves the shops without a pool, and " +
			"those of pools that have no worker.",
	},
	{
		Name: "DOORZET_WORKER_QUEUES", Default: "push,reconcile",
		Meaning: "Which queues a worker serves: `push`, `reconcile`, or both with a comma.",
	},
	{Name: "DOORZET_WORKER_PUSH", Default: "64", Meaning: "How many bookings one worker pushes at the same time, a quarter of them of one shop at most."},
	{Name: "DOORZET_WORKER_RECONCILE", Default: "64", Meaning: "How many shops' nights one worker runs at the same time. A night mostly waits for its shop."},
	{
		Name: "DOORZET_WORKER_SERVERS", Default: "2",
		Meaning: "How many task fetchers a worker has for each queue. More fetch faster where Redis is far away.",
	},
	{
		Name: "DOORZET_DRAIN", Default: "20s",
		Meaning: "How long a process that is told to stop waits for running work, as `20s` or `2m`. Whatever stops it must wait longer.",
	},
	{Name: "DOORZET_DATA_DIR", Default: ".data/demo", Meaning: "Where `doorzet demo` keeps its data."},
}

// Table is the README's table of variables, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| variable | default | meaning |\n|---|---|---|\n")
	for _, v := range Variables {
		b.WriteString("| `" + v.Name + "`")
		if v.Secret {
			b.WriteString(" or `" + v.Name + fileSuffix + "`")
		}
		b.WriteString(" | ")
		if v.Default != "" {
			b.WriteString("`" + v.Default + "`")
		}
		b.WriteString(" | " + v.Meaning + " |\n")
	}
	return b.String()
}

func variable(name string) Variable {
	for _, v := range Variables {
		if v.Name == name {
			return v
		}
	}
	panic("config: " + name + " is not in the table of variables")
}
