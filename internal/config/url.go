package config

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// databaseURL checks the form of a Postgres URL. A local one without sslmode gets sslmode=disable, because the driver's
// own default is to require TLS, which a local Postgres seldom has.
func (r *reader) databaseURL(name string) doorzet.Secret {
	const write = "postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require, or postgres:///DATABASE?host=/SOCKET/FOLDER"
	value := r.text(name)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	switch {
	case err != nil:
		// url.Error quotes the whole URL, password and all.
		r.wrong(name, "a value that is not a URL (special characters in a password are written as %XX)", write)
		return ""
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		r.wrong(name, "a URL that begins with "+schemeOf(u), write)
		return ""
	case strings.Trim(u.Path, "/") == "" && u.Query().Get("dbname") == "":
		r.wrong(name, "a URL without a database", write)
		return ""
	}
	query := u.Query()
	if !query.Has("sslmode") && localHost(u) {
		query.Set("sslmode", "disable")
		u.RawQuery = query.Encode()
	}
	return doorzet.Secret(u.String())
}

func localHost(u *url.URL) bool {
	host := u.Hostname()
	if in := u.Query().Get("host"); in != "" {
		host = in
	}
	return host == "" || host == "localhost" || host == "127.0.0.1" || host == "::1" || strings.HasPrefix(host, "/")
}

// redisURL checks the form of a Redis URL; package queue makes a connection of it.
func (r *reader) redisURL(name string) doorzet.Secret {
	const write = "redis://USER:PASSWORD@HOST:PORT/DB, rediss:// for TLS, unix:///PATH, " +
		"redis-sentinel://HOST:PORT,HOST:PORT/MASTER/DB or redis-cluster://HOST:PORT,HOST:PORT"
	value := r.text(name)
	if value == "" {
		return ""
	}
	if found := redisProblem(value); found != "" {
		r.wrong(name, found, write)
		return ""
	}
	return doorzet.Secret(value)
}

func redisProblem(value string) string {
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok {
		return "a value without ://"
	}
	// Several hosts with a comma are no URL for net/url: the first stands for all of them.
	hosts, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		hosts = hosts[at+1:]
	}
	switch scheme {
	case "redis", "rediss":
		if _, err := url.Parse(value); err != nil {
			return "a value that is not a URL (special characters in a password are written as %XX)"
		}
		if hosts == "" {
			return "a URL without a host"
		}
		if db, _, _ := strings.Cut(path, "?"); db != "" {
			if _, err := strconv.ParseUint(db, 10, 16); err != nil {
				return "a URL whose database is not a number"
			}
		}
	case "unix":
		if path == "" {
			return "a URL without a path"
		}
	case "redis-sentinel":
		if hosts == "" {
			return "a URL without a host"
		}
		if path == "" {
			return "a Sentinel URL without the name of the master"
		}
	case "redis-cluster":
		if hosts == "" {
			return "a URL without a host"
		}
	default:
		return "a URL that begins with " + strconv.Quote(scheme+"://")
	}
	return ""
}

func schemeOf(u *url.URL) string {
	if u.Scheme == "" {
		return "no scheme"
	}
	return strconv.Quote(u.Scheme + "://")
}
