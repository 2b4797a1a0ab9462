-- Comments on auctions, in threads of two levels: what answers an answer stands in the same thread, and `parent` says what it
-- answers. A comment that is deleted keeps its place and loses its text.

-- How many comments an auction has. Whoever writes or deletes one changes this row first, which is the lock: numbers follow
-- each other in the order of the commits, so that a page never misses what was written while it was read.
create table comment_counts (
    auction blob primary key not null,
    last_number integer not null,
    -- Those that are not deleted.
    total integer not null check (total >= 0)
);

create table comments (
    id blob primary key not null,
    auction blob not null,
    number integer not null,
    author blob not null references accounts (id),
    by_seller boolean not null,
    -- The top-level comment of the thread, and the place in it from 1 on; null for a top-level comment.
    thread blob references comments (id),
    place integer,
    parent blob references comments (id),
    body text,
    at text not null,
    replies integer not null default 0,
    deleted_at text,
    deleted_by text check (deleted_by in ('author', 'staff')),
    -- The author's own name for the request, and what it asked for.
    key text,
    request blob,
    check ((thread is null) = (place is null) and (thread is null) = (parent is null)),
    check ((body is null) = (deleted_at is not null) and (deleted_at is null) = (deleted_by is null))
);
create unique index comments_by_number on comments (auction, number);
create index comments_top on comments (auction, number) where thread is null;
create unique index comments_by_place on comments (thread, place) where thread is not null;
create unique index comments_by_key on comments (author, key) where key is not null;
create index comments_by_author on comments (author, id);

-- What people have told staff of: once for each of them and each thing.
create table reports (
    id blob primary key not null,
    kind text not null check (kind in ('comment', 'auction')),
    target blob not null,
    auction blob not null,
    reporter blob not null references accounts (id),
    reason text not null,
    at text not null,
    status text not null default 'open' check (status in ('open', 'closed')),
    -- Who of staff closed it, when, and what came of it.
    closed_at text,
    closed_by blob references accounts (id),
    outcome text,
    check ((status = 'closed') = (closed_at is not null))
);
create unique index reports_once on reports (kind, target, reporter);
create index reports_by_status on reports (status, id);
create index reports_by_target on reports (kind, target, id);
