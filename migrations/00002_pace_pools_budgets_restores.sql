-- +goose Up
-- +goose StatementBegin
SET LOCAL lock_timeout = '10s';

-- What was learnt of how much a shop can bear, and whose workers do its work.
ALTER TABLE shops
    ADD COLUMN page_size   int  NOT NULL DEFAULT 100,  -- whole orders per list call
    ADD COLUMN batch_size  int  NOT NULL DEFAULT 100,  -- orders per list call that asks for few fields
    ADD COLUMN call_gap_ms int  NOT NULL DEFAULT 0,    -- pause before each call
    ADD COLUMN slowed_at   timestamptz,                -- when one of them was last made slower
    ADD COLUMN pool        text NOT NULL DEFAULT '',   -- of workers; '' = the usual ones
    ADD COLUMN zone_said   text NOT NULL DEFAULT '';   -- the zone that the shop last said; time_zone follows it while they are the same

-- How far a list was read counts in rows, because pages differ in size. page stays as it was for workers that do not know
-- rows yet: rows_read holds only while rows_step is the step.
ALTER TABLE nights
    ADD COLUMN rows_step text NOT NULL DEFAULT '',
    ADD COLUMN rows_read int  NOT NULL DEFAULT 0,      -- -1: the whole list
    ADD COLUMN met_at    timestamptz,                  -- when the shop last said that it is the same one (R14)
    ADD COLUMN troubles  int  NOT NULL DEFAULT 0,      -- slots in a row that ended in trouble without getting further
    ADD COLUMN takeovers int  NOT NULL DEFAULT 0;      -- workers in a row that were lost without getting further

-- How many pushes a minute the books take; null: as many as there are.
ALTER TABLE books
    ADD COLUMN per_minute  int CHECK (per_minute > 0),
    ADD COLUMN budget_left double precision NOT NULL DEFAULT 0,
    ADD COLUMN budget_at   timestamptz;

-- An order that ends the worker itself must not end one every half a minute.
ALTER TABLE bookings
    ADD COLUMN takeovers int NOT NULL DEFAULT 0;       -- claims in a row that ran out without an ending

-- One row: what holds for the installation as a whole. Whether Postgres was restored is told by the newest entry of the journal
-- that was seen: entries are never taken away, so one that is missing was written after the backup was made.
CREATE TABLE installation (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id          uuid NOT NULL DEFAULT gen_random_uuid(), -- whose mark it is, where several share a Redis
    restored_at timestamptz,                           -- when Postgres was last restored from a backup
    restored_by text NOT NULL DEFAULT ''
);
INSERT INTO installation DEFAULT VALUES;

CREATE INDEX bookings_woken ON bookings (shop_id, wake_at)
    WHERE state IN ('due', 'sending', 'unknown') AND next_try_at IS NOT NULL;
CREATE INDEX shops_pool ON shops (pool) WHERE pool <> '';
-- The nights that are not at their end, by shop: for planning and for the sweep, which reads nearly all of them anyway.
CREATE INDEX nights_live ON nights (shop_id) WHERE state IN ('planned', 'running');
DROP INDEX nights_due;
-- Each night of a shop moves next_night_at. Without an index on it, and with room on each page, that touches no index at all; to
-- look through all shops takes a moment.
DROP INDEX shops_next_night;
ALTER TABLE shops SET (fillfactor = 45);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE shops RESET (fillfactor);
CREATE INDEX shops_next_night ON shops (next_night_at);
CREATE INDEX nights_due ON nights (next_try_at) WHERE state IN ('planned', 'running') AND next_try_at IS NOT NULL;
DROP INDEX nights_live;
DROP INDEX shops_pool;
DROP INDEX bookings_woken;
DROP TABLE installation;
ALTER TABLE bookings DROP COLUMN takeovers;
ALTER TABLE books DROP COLUMN per_minute, DROP COLUMN budget_left, DROP COLUMN budget_at;
ALTER TABLE nights DROP COLUMN rows_step, DROP COLUMN rows_read, DROP COLUMN met_at, DROP COLUMN troubles, DROP COLUMN takeovers;
ALTER TABLE shops DROP COLUMN page_size, DROP COLUMN batch_size, DROP COLUMN call_gap_ms, DROP COLUMN slowed_at, DROP COLUMN pool,
    DROP COLUMN zone_said;
-- +goose StatementEnd
