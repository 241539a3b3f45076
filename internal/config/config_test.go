package config_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorzet/doorzet/internal/config"
	"github.com/doorzet/doorzet/internal/doorzet"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var key = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

func TestAnEmptyEnvironmentIsTheDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load(env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.DatabaseURL.Reveal(), "postgres://localhost:5432/doorzet?sslmode=disable"; got != want {
		t.Errorf("DATABASE_URL: got %s, want %s", got, want)
	}
	if got, want := c.RedisURL.Reveal(), "redis://127.0.0.1:6379/0"; got != want {
		t.Errorf("REDIS_URL: got %s, want %s", got, want)
	}
	if c.Listen != "127.0.0.1:8080" || c.MetricsListen != "" || c.LogLevel != slog.LevelInfo || c.AllowPrivateShops || c.QueuesUser != "" || c.QueuesWritable {
		t.Errorf("got %+v", c)
	}
	if !slices.Equal(c.WorkerQueues, []string{"push", "reconcile"}) || c.WorkerPush != 64 || c.WorkerReconcile != 64 || c.WorkerServers != 2 || c.Drain != 20*time.Second {
		t.Errorf("worker: got %+v", c)
	}
	if c.Given("DATABASE_URL") || c.Given("DOORZET_LISTEN") {
		t.Error("a default counts as given")
	}
}

func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	c, err := config.Load(env(map[string]string{
		"DATABASE_URL": "postgres://u:p%40ss@db/doorzet?sslmode=require", "REDIS_URL": "rediss://u:p@redis:6380/2", "DOORZET_SECRET_KEY": key,
		"DOORZET_LISTEN": ":8080", "DOORZET_METRICS_LISTEN": "[::1]:9090", "DOORZET_PUBLIC_URL": "https://books.example/doorzet/",
		"DOORZET_ALLOW_PRIVATE_SHOPS": "true", "DOORZET_LOG_LEVEL": "debug", "DOORZET_QUEUES_USER": "ops", "DOORZET_QUEUES_PASSWORD": "long enough",
		"DOORZET_QUEUES_WRITABLE": "true", "DOORZET_WORKER_QUEUES": " reconcile , push", "DOORZET_WORKER_PUSH": "64", "DOORZET_WORKER_RECONCILE": "1",
		"DOORZET_WORKER_SERVERS": "4", "DOORZET_DRAIN": "1m30s", "DOORZET_DATA_DIR": "/srv/demo",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.DatabaseURL.Reveal() != "postgres://u:p%40ss@db/doorzet?sslmode=require" || c.RedisURL.Reveal() != "rediss://u:p@redis:6380/2" ||
		c.SecretKey.Reveal() != "0123456789abcdef0123456789abcdef" || c.QueuesPassword.Reveal() != "long enough" {
		t.Errorf("secrets: got %q %q %q %q", c.DatabaseURL.Reveal(), c.RedisURL.Reveal(), c.SecretKey.Reveal(), c.QueuesPassword.Reveal())
	}
	if c.Listen != ":8080" || c.MetricsListen != "[::1]:9090" || c.PublicURL != "https://books.example/doorzet" || !c.AllowPrivateShops ||
		c.LogLevel != slog.LevelDebug || c.QueuesUser != "ops" || !c.QueuesWritable || !slices.Equal(c.WorkerQueues, []string{"push", "reconcile"}) ||
		c.WorkerPush != 64 || c.WorkerReconcile != 1 || c.WorkerServers != 4 || c.Drain != 90*time.Second || c.DataDir != "/srv/demo" {
		t.Errorf("got %+v", c)
	}
	for _, secret := range []string{"p%40ss", "u:p", "0123456789", "long enough"} {
		if printed := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(printed, secret) {
			t.Errorf("printing the configuration shows %q", secret)
		}
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	c, err := config.Load(env(map[string]string{
		"DATABASE_URL_FILE":            file(t, "postgres:///doorzet?host=/var/run/postgresql\n"),
		"REDIS_URL_FILE":               file(t, "redis-sentinel://u:p@a:26379,b:26379/mymaster/1\n"),
		"DOORZET_SECRET_KEY_FILE":      file(t, key+"\n"),
		"DOORZET_QUEUES_USER":          "ops",
		"DOORZET_QUEUES_PASSWORD_FILE": file(t, "long enough\n"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.DatabaseURL.Reveal(), "postgres:///doorzet?host=%2Fvar%2Frun%2Fpostgresql&sslmode=disable"; got != want {
		t.Errorf("a local Postgres without sslmode: got %s, want %s", got, want)
	}
	if c.RedisURL.Reveal() != "redis-sentinel://u:p@a:26379,b:26379/mymaster/1" || len(c.SecretKey) != 32 || c.QueuesPassword.Reveal() != "long enough" {
		t.Errorf("got %q %d %q", c.RedisURL.Reveal(), len(c.SecretKey), c.QueuesPassword.Reveal())
	}
	if err := c.Need("DATABASE_URL", "REDIS_URL", "DOORZET_SECRET_KEY"); err != nil {
		t.Errorf("a file counts as given: %v", err)
	}
}

func TestWrongValuesAreRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"DATABASE_URL": "mysql://u:hush@h/d"}, `DATABASE_URL: found a URL that begins with "mysql://"; write postgres://USER`},
		{map[string]string{"DATABASE_URL": "host=h password=hush"}, "DATABASE_URL: found a URL that begins with no scheme"},
		{map[string]string{"DATABASE_URL": "postgres://u:hush%@h/d"}, "DATABASE_URL: found a value that is not a URL"},
		{map[string]string{"DATABASE_URL": "postgres://u:hush@h"}, "DATABASE_URL: found a URL without a database"},
		{map[string]string{"REDIS_URL": "hush:6379"}, "REDIS_URL: found a value without ://"},
		{map[string]string{"REDIS_URL": "http://:hush@h"}, `REDIS_URL: found a URL that begins with "http://"; write redis://USER`},
		{map[string]string{"REDIS_URL": "redis://:hush@/0"}, "REDIS_URL: found a URL without a host"},
		{map[string]string{"REDIS_URL": "redis://:hush@h/zero"}, "REDIS_URL: found a URL whose database is not a number"},
		{map[string]string{"REDIS_URL": "redis://:hush%zz@h"}, "REDIS_URL: found a value that is not a URL"},
		{map[string]string{"REDIS_URL": "unix://"}, "REDIS_URL: found a URL without a path"},
		{map[string]string{"REDIS_URL": "redis-sentinel://:hush@a:1,b:2"}, "REDIS_URL: found a Sentinel URL without the name of the master"},
		{map[string]string{"REDIS_URL": "redis-sentinel:///m"}, "REDIS_URL: found a URL without a host"},
		{map[string]string{"REDIS_URL": "redis-cluster://"}, "REDIS_URL: found a URL without a host"},
		{map[string]string{"DOORZET_SECRET_KEY": "hush!"}, "DOORZET_SECRET_KEY: found a value that is not base64; write base64 of exactly 32 bytes, as made by: openssl rand -base64 32"},
		{map[string]string{"DOORZET_SECRET_KEY": "aHVzaA=="}, "DOORZET_SECRET_KEY: found base64 of 4 bytes; write base64 of exactly 32 bytes"},
		{map[string]string{"DOORZET_SECRET_KEY": key, "DOORZET_SECRET_KEY_FILE": "/hush"}, "DOORZET_SECRET_KEY and DOORZET_SECRET_KEY_FILE are both set; write only one"},
		{map[string]string{"DOORZET_SECRET_KEY_FILE": missing}, "DOORZET_SECRET_KEY_FILE: found a path that cannot be read"},
		{map[string]string{"DOORZET_SECRET_KEY_FILE": t.TempDir()}, "which is not a small file"},
		{map[string]string{"DOORZET_SECRET_KEY_FILE": file(t, " \n")}, "which is empty"},
		{map[string]string{"DOORZET_LISTEN": "8080"}, `DOORZET_LISTEN: found "8080"; write HOST:PORT`},
		{map[string]string{"DOORZET_METRICS_LISTEN": "h:65536"}, `DOORZET_METRICS_LISTEN: found "h:65536"; write HOST:PORT`},
		{map[string]string{"DOORZET_PUBLIC_URL": "books.example"}, `DOORZET_PUBLIC_URL: found "books.example"; write https://HOST`},
		{map[string]string{"DOORZET_PUBLIC_URL": "https://h/?a=b"}, "DOORZET_PUBLIC_URL: found"},
		{map[string]string{"DOORZET_PUBLIC_URL": "https://u:hush@h"}, "DOORZET_PUBLIC_URL: found a URL with a user or password"},
		{map[string]string{"DOORZET_ALLOW_PRIVATE_SHOPS": "yes"}, `DOORZET_ALLOW_PRIVATE_SHOPS: found "yes"; write true or false`},
		{map[string]string{"DOORZET_LOG_LEVEL": "loud"}, `DOORZET_LOG_LEVEL: found "loud"; write debug, info, warn or error`},
		{map[string]string{"DOORZET_QUEUES_USER": "ops"}, "DOORZET_QUEUES_USER is set and DOORZET_QUEUES_PASSWORD (or DOORZET_QUEUES_PASSWORD_FILE) is not; write both"},
		{map[string]string{"DOORZET_QUEUES_PASSWORD": "long enough"}, "DOORZET_QUEUES_PASSWORD is set and DOORZET_QUEUES_USER is not"},
		{map[string]string{"DOORZET_QUEUES_USER": "o:s", "DOORZET_QUEUES_PASSWORD": "long enough"}, `DOORZET_QUEUES_USER: found "o:s"; write a name without a colon`},
		{map[string]string{"DOORZET_QUEUES_USER": "ops", "DOORZET_QUEUES_PASSWORD": "hush"}, "DOORZET_QUEUES_PASSWORD: found 4 characters; write at least 8 characters"},
		{map[string]string{"DOORZET_WORKER_QUEUES": "push,tea"}, `DOORZET_WORKER_QUEUES: found "tea"; write one or more of push, reconcile, with commas`},
		{map[string]string{"DOORZET_WORKER_PUSH": "0"}, `DOORZET_WORKER_PUSH: found "0"; write a whole number from 1 to 1024`},
		{map[string]string{"DOORZET_WORKER_SERVERS": "many"}, `DOORZET_WORKER_SERVERS: found "many"; write a whole number from 1 to 16`},
		{map[string]string{"DOORZET_DRAIN": "20"}, `DOORZET_DRAIN: found "20"; write a time from 1s to 15m0s, as 20s or 2m`},
	} {
		_, err := config.Load(env(c.env))
		if err == nil {
			t.Errorf("%v was accepted", c.env)
			continue
		}
		if _, ok := errors.AsType[*doorzet.InputError](err); !ok {
			t.Errorf("%v: %v is no InputError", c.env, err)
		}
		if got := err.Error(); !strings.Contains(got, c.want) || strings.Contains(got, "\n") || strings.Contains(got, "hush") && !strings.Contains(c.want, "hush") {
			t.Errorf("%v:\n got %s\nwant %s", c.env, got, c.want)
		}
	}
}

func TestAllProblemsAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load(env(map[string]string{"DOORZET_LISTEN": "x", "DOORZET_DRAIN": "x", "DATABASE_URL": "x"}))
	if err == nil {
		t.Fatal("no error")
	}
	if got := strings.Split(err.Error(), "\n"); len(got) != 3 {
		t.Errorf("got %d lines, want 3:\n%v", len(got), err)
	}
}

func TestNeedNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	c, err := config.Load(env(map[string]string{"DATABASE_URL": "postgres://h/d"}))
	if err != nil {
		t.Fatal(err)
	}
	err = c.Need("DATABASE_URL", "DOORZET_SECRET_KEY")
	if err == nil || !strings.HasPrefix(err.Error(), "DOORZET_SECRET_KEY (or DOORZET_SECRET_KEY_FILE) is not set. ") || !strings.Contains(err.Error(), "openssl rand -base64 32") {
		t.Errorf("got %v", err)
	}
}

// The two pages on which an operator reads of the variables say what the table says.

func TestTheReadmeHoldsTheTable(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), config.Table()) {
		t.Errorf("README.md does not hold this table, word for word:\n\n%s", config.Table())
	}
}

func TestTheExampleNamesEveryVariable(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range config.Variables {
		if !strings.Contains(string(example), "\n#"+v.Name+"="+v.Default+"\n") && !strings.Contains(string(example), "\n"+v.Name+"=") {
			t.Errorf(".env.example does not name %s with its default %q", v.Name, v.Default)
		}
	}
}
