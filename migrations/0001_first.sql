-- What qingting keeps for good: packs as rows, the ledger of orders, the journal of turns.

-- A catalogue as it was imported. Immutable: a change is another release.
CREATE TABLE release (
    tenant      text        NOT NULL,
    id          text        NOT NULL,  -- fingerprint of all files
    name        text        NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);

-- Which release new calls begin with.
CREATE TABLE live (
    tenant  text        PRIMARY KEY,
    release text        NOT NULL,
    since   timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant, release) REFERENCES release (tenant, id)
);

-- One row an entry: an intent, an action, a plan, an utterance. `source` is the author's own text, so
-- that the files of a pack come back byte for byte.
CREATE TABLE catalogue (
    tenant  text    NOT NULL,
    release text    NOT NULL,
    file    text    NOT NULL,
    place   integer NOT NULL,
    kind    text    NOT NULL,
    name    text    NOT NULL,
    source  text    NOT NULL,
    PRIMARY KEY (tenant, release, file, place),
    FOREIGN KEY (tenant, release) REFERENCES release (tenant, id)
);
CREATE INDEX catalogue_by_name ON catalogue (tenant, release, kind, name);

-- The authority over what was ordered. The row comes before the call to the operator, its answer after.
CREATE TABLE orders (
    tenant      text        NOT NULL,
    call        text        NOT NULL,
    turn        bigint      NOT NULL,
    action      text        NOT NULL,
    parameters  text        NOT NULL,
    request     jsonb       NOT NULL,
    opened_at   timestamptz NOT NULL DEFAULT now(),
    answer      jsonb,
    answered_at timestamptz,
    PRIMARY KEY (tenant, call, turn, action, parameters)
);
CREATE INDEX orders_unfinished ON orders (opened_at) WHERE answer IS NULL;

-- The record of turns, drained from Redis; numbers of customers are masked.
CREATE TABLE journal (
    tenant text        NOT NULL,
    call   text        NOT NULL,
    turn   bigint      NOT NULL,
    at     timestamptz NOT NULL,
    entry  jsonb       NOT NULL,
    PRIMARY KEY (tenant, call, turn)
);
CREATE INDEX journal_by_time ON journal (tenant, at);
