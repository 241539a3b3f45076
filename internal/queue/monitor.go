package queue

import (
	"net/http"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"
)

// Monitor is the queue pages (asynqmon), compiled against the asynq that the workers run. path is where they are
// mounted, without a trailing slash. They have no login of their own: whoever mounts them asks for one. Read-only unless
// writable.
func (c *Client) Monitor(path string, writable bool) http.Handler {
	return asynqmon.New(asynqmon.Options{RootPath: path, RedisConnOpt: shared{c}, ReadOnly: !writable})
}

// shared lends the client's connections to asynqmon, which must not be closed: it would close them.
type shared struct{ c *Client }

var _ asynq.RedisConnOpt = shared{}

// MakeRedisClient is asked for by asynqmon, which wants to know whether it is a cluster.
func (s shared) MakeRedisClient() any { return s.c.rdb }
