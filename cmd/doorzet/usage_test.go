package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWrongUsageIsExitCode2AndChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.connect()
	before := b.trace()
	for _, c := range []struct{ call, sentence string }{
		{"", "say what to do: migrate, books, shop, "},
		{"fly", `unknown command "fly"; choose one of: migrate, `},
		{"shop", "say what to do: add, list, show, set, check, pause, resume"},
		{"shop fly", `unknown command "fly"; choose one of: add, `},
		{"shop list --fly", "unknown flag: --fly"},
		{"shop list twice", `"twice" is one word too many`},
		{"shop show", "--shop is missing"},
		{"shop show --shop one", `--shop "one": write a number`},
		{"shop add --name A", "--url is missing"},
		{"shop add --url shop.example", `--url "shop.example" is no address: write it with https://`},
		{"shop add --url https://me:word@shop.example", "without user, password"},
		{"shop add --name A --url https://a.example --key k", "--secret is missing"},
		{"shop add --name A --url https://a.example --key k --secret s", "--statuses is missing"},
		{"shop add --statuses pending", `--statuses: status "pending" cannot be chosen`},
		{"shop add --start-date yesterday", `--start-date: date "yesterday": write it as 2026-01-31`},
		{"shop add --timezone Mars/Base", `--timezone: time zone "Mars/Base" is not known`},
		{"shop add --night-hours 1-5", `--night-hours: night hours "1-5": write them as 01:00-05:00`},
		{"shop add --remainder maybe", `--remainder "maybe": write on or off`},
		{"shop add --key - --secret -", "cannot both be read from stdin"},
		{"shop set --shop 1", "nothing to change"},
		{"shop set --shop 1 --prefix NEW", "the prefix of a shop never changes"},
		{"shop set --shop 1 --moved", "--moved needs --url"},
		{"shop set --shop 1 --push now", "--push goes with --statuses"},
		{"shop set --shop 1 --statuses shipped --push soon", `--push "soon": write now or tonight`},
		{"shop check", "give --shop of a connected shop, or --url, --key and --secret"},
		{"books add --kind paper", "--kind paper is not known: give --kind files"},
		{"books add --kind files --name a --dir d --seller-file /nowhere", "--seller-file /nowhere: it cannot be read"},
		{"books export", "--books is missing"},
		{"books set --name other", "--books is missing"},
		{"books set --books 1", "nothing to change: give one or more of --name, --dir, --seller-file"},
		{"books set --books 1 --seller-file /nowhere", "--seller-file /nowhere: it cannot be read"},
		{"night run", "--shop is missing"},
		{"night show", "--night is missing"},
		{"night list --shop 1 --limit -1", "--limit -1: give a number above 0"},
		{"order list --shop 1 --state odd", `--state "odd" is not known; the states are: before start, open, `},
		{"order why --shop 1", "no order is given"},
		{"order why --shop 1 1002 x", `"x" is no order id`},
		{"fakeshop --orders -1", "--orders -1"},
		{"fakeshop --shops 0", "--shops 0: give a number from 1 to"},
		{"fakeshop --shops -3", "--shops -3: give a number from 1 to"},
		{"fakeshop --shops 10001", "--shops 10001: give a number from 1 to 10000"},
		{"fakeshop --shops many", `--shops "many": write a whole number`},
		{"fakeshop --listen x", `--listen "x": write HOST:PORT`},
		{"fakeshop --listen 127.0.0.1:70000", `--listen "127.0.0.1:70000": write HOST:PORT`},
		{"restored --at yesterday", `--at "yesterday": write a time with its zone, like 2026-01-31T14:00:00+01:00`},
		{"restored --at 2999-01-01T00:00:00Z", "--at 2999-01-01T00:00:00Z is yet to come"},
		{"restored now", `"now" is one word too many`},
		{"health", "--url is missing"},
		{"health --url nope", `--url "nope" is no address`},
		{"health --url 127.0.0.1:8080", "is no address"},
	} {
		b.fails(exitUsage, c.sentence, strings.Fields(c.call)...)
	}
	if after := b.trace(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestRefusalsAreExitCode1(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addBooks("main")
	for _, c := range []struct{ call, sentence string }{
		{"shop show --shop 9", "there is no shop 9 (see: doorzet shop list)"},
		{"night run --shop 9", "there is no shop 9"},
		{"order list --shop 9", "there is no shop 9"},
		{"booking list --shop 9", "there is no shop 9"},
		{"night show --night 9", "there is no night 9"},
		{"books export --books 9", "there are no books 9"},
		{"books set --books 9 --name other", "there are no books 9"},
		{"health --url http://127.0.0.1:1/healthz", "it does not answer"},
	} {
		b.fails(exitFailed, c.sentence, strings.Fields(c.call)...)
	}
}

func TestAWrongEnvironmentIsSaidInASentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		code        int
		sentence    string
	}{
		{"DOORZET_SECRET_KEY", "", exitUsage, "DOORZET_SECRET_KEY (or DOORZET_SECRET_KEY_FILE) is not set"},
		{"DOORZET_SECRET_KEY", "short", exitUsage, "DOORZET_SECRET_KEY: found"},
		{"DATABASE_URL", "mysql://x", exitUsage, "DATABASE_URL: found"},
		{"DATABASE_URL", "postgres://127.0.0.1:1/x?sslmode=disable", exitFailed, "no answer from Postgres"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.env[c.name] = c.value
			b.fails(c.code, c.sentence, "shop", "list")
		})
	}
}

func TestMigrateAndHelp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var v struct{ Migrated bool }
	if b.must(&v, "migrate"); !v.Migrated {
		t.Error("migrate does not say that it migrated")
	}
	if a := b.run("shop", "add", "--help"); a.code != exitDone || !strings.Contains(a.stdout, "Examples:") {
		t.Errorf("%+v", a)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	healthy := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !healthy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	b.must(&struct{}{}, "health", "--url", server.URL)
	healthy = false
	b.fails(exitFailed, "answers 503", "health", "--url", server.URL)
}

func TestFakeshopSaysWhereItIsAndRunsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	if got := reachable(&net.TCPAddr{IP: net.IPv4zero, Port: 9080}); got != "http://127.0.0.1:9080" {
		t.Errorf("on every interface it is at %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"fakeshop", "--listen", "127.0.0.1:0", "--orders", "7", "--json"}, system{
			getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: in, stderr: t.Output(),
		})
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ URL, Key, Secret, Control string }
	decodeOne(t, line, &v)
	resp, err := http.Get(v.URL + "/wp-json/?_fields=name")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || v.Key == "" || v.Secret == "" || !strings.HasPrefix(v.Control, v.URL) {
		t.Errorf("%s %+v", resp.Status, v)
	}
	cancel()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

func TestFakeshopRunsSeveralShopsAtOneAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args    []string
		control int
	}{{nil, http.StatusOK}, {[]string{"--control=false"}, http.StatusNotFound}} {
		ctx, cancel := context.WithCancel(t.Context())
		out, in := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			args := append([]string{"fakeshop", "--listen", "127.0.0.1:0", "--orders", "3", "--shops", "2", "--json"}, c.args...)
			ended <- run(ctx, args, system{
				getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: in, stderr: t.Output(),
			})
		}()
		var shops []fakeView
		if err := json.NewDecoder(out).Decode(&shops); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, out) }() // the list's last line end
		if len(shops) != 2 || shops[0].Key == shops[1].Key || shops[0].Secret == shops[1].Secret || shops[0].URL == shops[1].URL ||
			(shops[1].Control == "") != (c.control == http.StatusNotFound) {
			t.Fatalf("%+v", shops)
		}
		for _, shop := range shops {
			for path, want := range map[string]int{"/wp-json/?_fields=name": http.StatusOK, "/_control/requests": c.control} {
				resp, err := http.Get(shop.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != want {
					t.Errorf("%v: %s%s answers %s, want %d", c.args, shop.URL, path, resp.Status, want)
				}
			}
		}
		cancel()
		if code := <-ended; code != exitDone {
			t.Errorf("exit code %d", code)
		}
	}
}
