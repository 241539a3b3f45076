package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// raiseMark keeps the newer of two marks: the one of the later restore, and of the same restore the one of the later entry. All
// numbers are below 2^53, which is as far as Lua counts.
//
//	KEYS[1] the mark: entry, at, restored (times in microseconds since 1970, 0 = never)
//	ARGV    entry, at, restored
//	returns 1 when the mark was raised, 0 when not
var raiseMark = redis.NewScript(`
local have = redis.call("HMGET", KEYS[1], "entry", "restored")
local entry, restored = tonumber(have[1]), tonumber(have[2])
if entry and restored then
  local newer = tonumber(ARGV[3]) - restored
  if newer < 0 or newer == 0 and tonumber(ARGV[1]) <= entry then
    return 0
  end
end
redis.call("HSET", KEYS[1], "entry", ARGV[1], "at", ARGV[2], "restored", ARGV[3])
return 1`)

// Mark is the mark that was mirrored last; the zero Mark when there is none, because Redis was emptied or is new.
func (c *Client) Mark(ctx context.Context, installation string) (doorzet.Mark, error) {
	var m struct {
		Entry    int64 `redis:"entry"`
		At       int64 `redis:"at"`
		Restored int64 `redis:"restored"`
	}
	if err := c.rdb.HMGet(ctx, markKey(installation), "entry", "at", "restored").Scan(&m); err != nil {
		return doorzet.Mark{}, fmt.Errorf("read the mark of Postgres: %w", err)
	}
	return doorzet.Mark{Entry: m.Entry, At: fromMicro(m.At), Restored: fromMicro(m.Restored)}, nil
}

// RaiseMark mirrors a mark that was seen in Postgres. One that is older than what is mirrored changes nothing.
func (c *Client) RaiseMark(ctx context.Context, installation string, m doorzet.Mark) error {
	err := raiseMark.Run(ctx, c.rdb, []string{markKey(installation)}, m.Entry, micro(m.At), micro(m.Restored)).Err()
	if err != nil {
		return fmt.Errorf("mirror the mark of Postgres: %w", err)
	}
	return nil
}

// ClaimEmptied tells one caller, and no other until the next time, that Redis holds nothing of this installation: it is new, or was
// emptied. That caller wakes what was woken before.
func (c *Client) ClaimEmptied(ctx context.Context, installation string) (empty bool, err error) {
	err = c.rdb.SetArgs(ctx, wokenKey(installation), time.Now().UTC().Format(time.RFC3339), redis.SetArgs{Mode: "NX"}).Err()
	switch {
	case errors.Is(err, redis.Nil):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look whether Redis was emptied: %w", err)
	}
	return true, nil
}

// ReleaseEmptied lets ClaimEmptied tell it once more: what had to follow from it failed.
func (c *Client) ReleaseEmptied(ctx context.Context, installation string) error {
	if err := c.rdb.Del(ctx, wokenKey(installation)).Err(); err != nil {
		return fmt.Errorf("remember that Redis was emptied: %w", err)
	}
	return nil
}

func markKey(installation string) string { return "doorzet:mark:" + installation }

func wokenKey(installation string) string { return "doorzet:woken:" + installation }

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicro(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
