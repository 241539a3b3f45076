package queue

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis is near and fast, or it is down: short time-outs and one more try, so that a frozen Redis holds nothing up. A
// caller with less time gives it by context.
const (
	dialTimeout = 2 * time.Second
	ioTimeout   = 2 * time.Second
	maxRetries  = 1
	poolSize    = 50
)

// universal is a go-redis client of any form that can also pipeline by itself.
type universal struct {
	redis.UniversalClient
	autoPipeline func() (*redis.AutoPipeliner, error)
}

// connect makes the go-redis client of a URL. asynq's own option types are not used: they hide the time-outs, and then a
// context's deadline is not honoured.
func connect(address string) (universal, error) {
	scheme, _, _ := strings.Cut(address, "://")
	switch scheme {
	case "redis-sentinel":
		return sentinel(address)
	case "redis-cluster":
		return cluster(address)
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		// The parser's error may quote the URL with its password.
		return universal{}, errors.New("the Redis URL cannot be read: write redis://USER:PASSWORD@HOST:PORT/DB, rediss://, unix:///PATH, redis-sentinel:// or redis-cluster://")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, ioTimeout, ioTimeout
	o.DialerRetries, o.MaxRetries = 1, maxRetries
	o.ContextTimeoutEnabled = true
	o.PoolSize = poolSize
	o.MaintNotificationsConfig = noMaintNotifications()
	c := redis.NewClient(o)
	return universal{c, c.AutoPipeline}, nil
}

func sentinel(address string) (universal, error) {
	u, hosts, err := manyHosts(address)
	if err != nil {
		return universal{}, err
	}
	master, db, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if master == "" {
		return universal{}, errors.New("the Redis URL names no master: write redis-sentinel://HOST:PORT,HOST:PORT/MASTER/DB")
	}
	o := &redis.FailoverOptions{
		MasterName:            master,
		SentinelAddrs:         hosts,
		SentinelUsername:      u.Query().Get("sentinel_user"),
		SentinelPassword:      u.Query().Get("sentinel_password"),
		Username:              u.User.Username(),
		TLSConfig:             tlsOf(u),
		DialTimeout:           dialTimeout,
		ReadTimeout:           ioTimeout,
		WriteTimeout:          ioTimeout,
		DialerRetries:         1,
		MaxRetries:            maxRetries,
		ContextTimeoutEnabled: true,
		PoolSize:              poolSize,
	}
	o.Password, _ = u.User.Password()
	if db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil {
			return universal{}, fmt.Errorf("the Redis URL has database %q: write a number", db)
		}
	}
	c := redis.NewFailoverClient(o)
	return universal{c, c.AutoPipeline}, nil
}

func cluster(address string) (universal, error) {
	u, hosts, err := manyHosts(address)
	if err != nil {
		return universal{}, err
	}
	o := &redis.ClusterOptions{
		Addrs:                    hosts,
		Username:                 u.User.Username(),
		TLSConfig:                tlsOf(u),
		DialTimeout:              dialTimeout,
		ReadTimeout:              ioTimeout,
		WriteTimeout:             ioTimeout,
		DialerRetries:            1,
		MaxRetries:               maxRetries,
		ContextTimeoutEnabled:    true,
		PoolSize:                 poolSize,
		MaintNotificationsConfig: noMaintNotifications(),
	}
	o.Password, _ = u.User.Password()
	c := redis.NewClusterClient(o)
	return universal{c, c.AutoPipeline}, nil
}

// manyHosts reads a URL with several hosts, which net/url does not know.
func manyHosts(address string) (*url.URL, []string, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	authority, path, _ := strings.Cut(rest, "/")
	user, list := "", authority
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		user, list = authority[:at+1], authority[at+1:]
	}
	u, err := url.Parse(scheme + "://" + user + "hosts/" + path)
	if err != nil || list == "" {
		return nil, nil, fmt.Errorf("the Redis URL cannot be read: write %s://USER:PASSWORD@HOST:PORT,HOST:PORT", scheme)
	}
	if u.User == nil {
		u.User = url.UserPassword("", "")
	}
	var hosts []string
	for host := range strings.SplitSeq(list, ",") {
		hosts = append(hosts, strings.TrimSpace(host))
	}
	return u, hosts, nil
}

// tlsOf asks for TLS when the URL has ?tls=true. go-redis fills in the name of the server that it dials.
func tlsOf(u *url.URL) *tls.Config {
	if u.Query().Get("tls") != "true" {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12}
}

// noMaintNotifications switches off a feature of hosted Redis that costs a command per connection and a goroutine per
// client, and that plain Redis does not have.
func noMaintNotifications() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
