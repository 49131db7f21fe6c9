-- The views. They are rebuilt from the journal, so this file may change, together with VIEWS_VERSION.
-- An index costs every order more than it saves the few who ask: there is one for each line in which rows are listed,
-- and its last columns let the other filters be answered as it passes, without a look at the rows.
-- Ended orders are asked for by account and any of status, side, symbol, newest first: a query is a few
-- ranges of one index, merged (query.py).
CREATE TABLE orders (
    order_id        INTEGER PRIMARY KEY,
    account_id      INTEGER NOT NULL,
    client_order_id TEXT,
    symbol          TEXT NOT NULL,
    side            TEXT NOT NULL,
    status          TEXT NOT NULL,
    oco_group_id    TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    strategy_id     TEXT,
    ended_as        TEXT NOT NULL,
    body            TEXT NOT NULL
) STRICT;
CREATE INDEX orders_by_client_id ON orders (account_id, client_order_id) WHERE client_order_id IS NOT NULL;
CREATE INDEX orders_by_oco_group ON orders (account_id, oco_group_id) WHERE oco_group_id IS NOT NULL;
CREATE INDEX orders_by_creation ON orders (account_id, created_at, status, side, symbol);
CREATE INDEX orders_by_update ON orders (account_id, status, updated_at, created_at, side, symbol);
-- For the whole house, newest first. Without a filter the key is the order; there are few symbols and ends, so any
-- filter by them is a few ranges of one index, merged (house_query.py). Most orders are of no strategy.
CREATE INDEX orders_by_symbol ON orders (symbol, ended_as, created_at, side);
CREATE INDEX orders_by_strategy ON orders (strategy_id, created_at, ended_as, side, symbol, account_id)
    WHERE strategy_id IS NOT NULL;

CREATE TABLE fills (
    fill_id     INTEGER PRIMARY KEY,
    order_id    INTEGER NOT NULL,
    account_id  INTEGER NOT NULL,
    symbol      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    side        TEXT NOT NULL,
    strategy_id TEXT,
    is_first    INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX fills_by_account ON fills (account_id, at, symbol);
CREATE INDEX fills_by_order ON fills (order_id);
CREATE INDEX fills_by_symbol ON fills (symbol, at, side);
CREATE INDEX fills_by_strategy ON fills (strategy_id, at, side, symbol, account_id) WHERE strategy_id IS NOT NULL;

CREATE TABLE ledger (
    entry_id   INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_by_account ON ledger (account_id, at);

-- Ended tickets, with the columns that clauses name; indexed by what every query has: the second of opening is shown.
CREATE TABLE tickets (
    ticket_key  INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL,
    ticket      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    symbol      TEXT NOT NULL,
    source      TEXT NOT NULL,
    lots        REAL NOT NULL,
    opened_at   INTEGER NOT NULL,
    closed_at   INTEGER NOT NULL,
    open_price  REAL NOT NULL,
    close_price REAL NOT NULL,
    stop_loss   REAL NOT NULL,
    take_profit REAL NOT NULL,
    profit      REAL NOT NULL,
    net_profit  REAL NOT NULL,
    commission  REAL NOT NULL,
    swap        REAL NOT NULL,
    comment     TEXT NOT NULL,
    digits      INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX tickets_by_opening ON tickets (account_id, opened_at / 1000000000, ticket, opened_at, state, closed_at, symbol);

CREATE TABLE deals (
    deal_key   INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL,
    ticket     INTEGER NOT NULL,
    symbol     TEXT NOT NULL,
    is_funds   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX deals_by_account ON deals (account_id, at, is_funds, symbol, ticket);

-- What went out of positions; a position that is flat is found by its last closing.
CREATE TABLE closings (
    closing_key INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL,
    strategy_id TEXT,
    position_id INTEGER NOT NULL,
    symbol      TEXT NOT NULL,
    is_last     INTEGER NOT NULL,
    closed_at   INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX closings_last ON closings (closed_at, symbol, account_id, strategy_id) WHERE is_last = 1;
CREATE INDEX closings_in_parts ON closings (position_id) WHERE is_last = 0;
