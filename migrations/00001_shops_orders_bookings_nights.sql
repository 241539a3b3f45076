-- +goose Up
-- +goose StatementBegin
SET LOCAL lock_timeout = '10s';

-- Accounting connections. settings is the kind's own: of files the folder and the seller.
CREATE TABLE books (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL,
    name       text NOT NULL UNIQUE,
    dir        text NOT NULL DEFAULT '',
    seller     jsonb NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX books_files_dir ON books (dir) WHERE kind = 'files'; -- one folder, one administration

CREATE TABLE shops (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name             text NOT NULL,
    url              text NOT NULL,
    home             text NOT NULL,
    home_key         text NOT NULL UNIQUE,            -- R14: without scheme, www and trailing slash
    store_id         text NOT NULL DEFAULT '',
    copy_of_store    boolean NOT NULL DEFAULT false,  -- R14: the owner said that it is a copy of another shop
    consumer_key     bytea NOT NULL,                  -- encrypted
    consumer_secret  bytea NOT NULL,                  -- encrypted
    prefix           text NOT NULL UNIQUE,
    time_zone        text NOT NULL,
    start_date       date NOT NULL,
    starts_at        timestamptz NOT NULL,            -- start_date 00:00 in time_zone
    statuses         text[] NOT NULL,
    night_from       int NOT NULL,                    -- minutes since midnight, shop's clock
    night_to         int NOT NULL,
    remainder        boolean NOT NULL DEFAULT true,   -- R7
    books_id         bigint NOT NULL REFERENCES books,
    webhooks_on      boolean NOT NULL DEFAULT false,  -- decides the window (R4)
    webhooks_off_for int NOT NULL DEFAULT 0,
    woo_version      text NOT NULL DEFAULT '',
    auth             text NOT NULL DEFAULT '',
    paused_at        timestamptz,
    blocked_why      text NOT NULL DEFAULT '',        -- R14: nothing is done until the owner answers
    added_at         timestamptz NOT NULL DEFAULT now(),
    next_night_at    timestamptz NOT NULL,
    imported_at      timestamptz,                     -- start of the last finished import
    full_import_at   timestamptz,                     -- start of the last finished comparison of all ids
    unread           bigint[] NOT NULL DEFAULT '{}'   -- orders that the last import could not read
);
CREATE UNIQUE INDEX shops_store_id ON shops (store_id) WHERE store_id <> '' AND NOT copy_of_store;
CREATE INDEX shops_next_night ON shops (next_night_at);

CREATE TABLE nights (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id         bigint NOT NULL REFERENCES shops,
    date            date NOT NULL,                    -- the shop's local date on which its hours begin
    planned         boolean NOT NULL,                 -- false: by hand
    asked_by        text NOT NULL DEFAULT '',
    state           text NOT NULL DEFAULT 'planned',
    run_at          timestamptz NOT NULL,
    next_try_at     timestamptz,                      -- the only retry schedule; null: not by itself
    wake_at         timestamptz NOT NULL DEFAULT now(),
    claim_token     bigint NOT NULL DEFAULT 0,
    claimed_until   timestamptz,
    attempts        int NOT NULL DEFAULT 0,
    started_at      timestamptz,
    finished_at     timestamptz,
    since           timestamptz,
    webhooks_on     boolean,
    open            int,
    strategy        text NOT NULL DEFAULT '',
    step            text NOT NULL DEFAULT '',
    page            int NOT NULL DEFAULT 0,           -- the last page done of the step's list
    done            int NOT NULL DEFAULT 0,           -- of todo, in this step: for a progress bar
    todo            int NOT NULL DEFAULT 0,
    imported        int NOT NULL DEFAULT 0,
    looked_at       int NOT NULL DEFAULT 0,
    still_open      int NOT NULL DEFAULT 0,
    expired         int NOT NULL DEFAULT 0,
    gone            int NOT NULL DEFAULT 0,
    unread          int NOT NULL DEFAULT 0,           -- orders that could not be read
    bulk_found      int NOT NULL DEFAULT 0,
    remainder_found int NOT NULL DEFAULT 0,
    requests_list   int NOT NULL DEFAULT 0,
    requests_single int NOT NULL DEFAULT 0,
    requests_total  int NOT NULL DEFAULT 0,
    notes           text[] NOT NULL DEFAULT '{}',     -- findings for the owner
    error           text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX nights_planned_once ON nights (shop_id, date) WHERE planned;
CREATE UNIQUE INDEX nights_one_running ON nights (shop_id) WHERE state = 'running';
CREATE INDEX nights_due ON nights (next_try_at) WHERE state IN ('planned', 'running') AND next_try_at IS NOT NULL;
CREATE INDEX nights_of_shop ON nights (shop_id, run_at);

CREATE TABLE orders (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id          bigint NOT NULL REFERENCES shops,
    woo_id           bigint NOT NULL,
    order_key        text NOT NULL DEFAULT '',
    number           text NOT NULL DEFAULT '',
    status           text NOT NULL DEFAULT '',
    currency         text NOT NULL DEFAULT '',
    total            numeric NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL,
    modified_at      timestamptz,
    look_started_at  timestamptz,
    look_received_at timestamptz,
    look_by          text NOT NULL DEFAULT '',
    looks            int NOT NULL DEFAULT 0,
    first_night_id   bigint,                          -- the night that first saw it
    looked_night_id  bigint,                          -- the last night that looked at it in step 3
    verdict_move     text NOT NULL DEFAULT '',
    verdict_rule     text NOT NULL DEFAULT '',
    verdict          text NOT NULL DEFAULT '',
    verdict_tell     boolean NOT NULL DEFAULT false,  -- Attention
    verdict_at       timestamptz,
    ignored_at       timestamptz,
    ignored_by       text NOT NULL DEFAULT '',
    ignored_why      text NOT NULL DEFAULT '',
    held_at          timestamptz,
    held_rule        text NOT NULL DEFAULT '',
    held_why         text NOT NULL DEFAULT '',
    conflict_key     text NOT NULL DEFAULT '',        -- R14: the order key of another order under this id
    missing_since    timestamptz,                     -- first of the answers "no such order"
    gone_at          timestamptz,
    gone_night_id    bigint,
    expired_at       timestamptz,
    expired_night_id bigint,
    UNIQUE (shop_id, woo_id)
);
CREATE INDEX orders_waiting ON orders (shop_id, created_at)
    WHERE ignored_at IS NULL AND held_at IS NULL AND gone_at IS NULL AND expired_at IS NULL;
CREATE INDEX orders_expired ON orders (shop_id, created_at) WHERE expired_at IS NOT NULL;
CREATE INDEX orders_held ON orders (shop_id) WHERE held_at IS NOT NULL;
CREATE INDEX orders_conflict ON orders (shop_id) WHERE conflict_key <> '';

-- The last REST document of an order that is to be booked, gzip.
CREATE TABLE documents (
    order_id bigint PRIMARY KEY REFERENCES orders,
    body     bytea NOT NULL,
    read_at  timestamptz NOT NULL
);

CREATE TABLE bookings (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id       bigint NOT NULL REFERENCES shops,
    order_id      bigint NOT NULL REFERENCES orders,
    kind          text NOT NULL,
    woo_id        bigint NOT NULL,                    -- of a credit: the refund's id
    round         int NOT NULL DEFAULT 1,             -- R9
    state         text NOT NULL,
    due_status    text NOT NULL DEFAULT '',           -- the status that made it due
    by_hand       boolean NOT NULL DEFAULT false,     -- R10: no status sends it back, and the books are asked first
    asked_by      text NOT NULL DEFAULT '',
    due_at        timestamptz NOT NULL DEFAULT now(), -- when a chosen status was first seen
    night_id      bigint,                             -- the night that caused it
    night_step    text NOT NULL DEFAULT '',
    again_night_id bigint,                            -- the last night that made it again, as it was held
    next_try_at   timestamptz,                        -- the only retry schedule; null: not by itself
    wake_at       timestamptz NOT NULL DEFAULT now(),
    claim_token   bigint NOT NULL DEFAULT 0,
    claimed_until timestamptz,
    attempts      int NOT NULL DEFAULT 0,
    lookups       int NOT NULL DEFAULT 0,             -- since it became unknown
    error         text NOT NULL DEFAULT '',
    reference     text NOT NULL,
    books_id      bigint REFERENCES books,
    document      jsonb,                              -- frozen when the create was claimed
    sent_at       timestamptz,
    booked_at     timestamptz,
    remote_id     text NOT NULL DEFAULT '',
    remote_number text NOT NULL DEFAULT '',
    remote_total  bigint,                             -- cents
    content       bytea,                              -- of files: the XML
    exported_at   timestamptz,                        -- of files: when the folder had it
    UNIQUE (shop_id, kind, woo_id, round)
);
CREATE INDEX bookings_of_order ON bookings (order_id);
CREATE INDEX bookings_due ON bookings (shop_id, due_at)
    WHERE state IN ('due', 'sending', 'unknown') AND next_try_at IS NOT NULL;
CREATE INDEX bookings_of_night ON bookings (night_id) WHERE night_id IS NOT NULL;
CREATE INDEX bookings_again ON bookings (again_night_id) WHERE again_night_id IS NOT NULL;
CREATE INDEX bookings_to_export ON bookings (id) WHERE content IS NOT NULL AND exported_at IS NULL;

-- Append-only journal: who or what did what, and why.
CREATE TABLE events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id bigint REFERENCES shops,
    woo_id  bigint,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   text NOT NULL,
    kind    text NOT NULL,
    text    text NOT NULL
);
CREATE INDEX events_of_order ON events (shop_id, woo_id, id);

-- R2: the orders that wait for a chosen status. With created_at >= the window's beginning: the count of R3.
CREATE VIEW open_orders AS
SELECT o.*
  FROM orders o
  JOIN shops s ON s.id = o.shop_id
 WHERE o.ignored_at IS NULL AND o.held_at IS NULL AND o.gone_at IS NULL AND o.expired_at IS NULL
   AND o.conflict_key = ''
   AND o.status NOT IN ('checkout-draft', 'auto-draft', 'draft', 'new')
   AND o.created_at >= s.starts_at
   AND NOT EXISTS (SELECT FROM bookings b WHERE b.order_id = o.id AND b.kind = 'invoice' AND b.state <> 'withdrawn');

-- The shown state of every order, with what is needed to say why. Push state lives in bookings only.
CREATE VIEW order_states AS
SELECT o.*,
       coalesce(b.state, '')      AS booking_state,
       coalesce(b.due_status, '') AS due_status,
       coalesce(b.reference, '')  AS reference,
       coalesce(b.attempts, 0)    AS attempts,
       coalesce(b.error, '')      AS error,
       b.next_try_at              AS next_try_at,
       CASE
           WHEN o.conflict_key <> ''                     THEN 'held'
           WHEN b.state = 'booked'                       THEN 'pushed'
           WHEN b.state IN ('sending', 'unknown')        THEN 'due'
           WHEN o.gone_at IS NOT NULL                    THEN 'gone'
           WHEN o.ignored_at IS NOT NULL                 THEN 'ignored'
           WHEN b.state = 'nothing'                      THEN 'nothing to book'
           WHEN o.held_at IS NOT NULL                    THEN 'held'
           WHEN b.state = 'refused'                      THEN 'refused'
           WHEN b.state = 'due'                          THEN 'due'
           WHEN o.status IN ('checkout-draft', 'auto-draft', 'draft', 'new') THEN 'draft'
           WHEN o.created_at < s.starts_at               THEN 'before start'
           WHEN o.expired_at IS NOT NULL                 THEN 'expired'
           ELSE 'open'
       END AS state
  FROM orders o
  JOIN shops s ON s.id = o.shop_id
  LEFT JOIN LATERAL (SELECT * FROM bookings b WHERE b.order_id = o.id AND b.kind = 'invoice'
                      ORDER BY b.round DESC LIMIT 1) b ON true;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP VIEW order_states;
DROP VIEW open_orders;
DROP TABLE events, bookings, documents, orders, nights, shops, books;
-- +goose StatementEnd
