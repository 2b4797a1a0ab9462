-- What staff did, and sellers who cancelled: written once, never changed but for the request that a journaled act came by.
-- Acts on auctions are in the journal too, by `(auction, seq)`.
create table staff_audit (
    id integer primary key autoincrement,
    at text not null,
    actor blob not null,
    action text not null,
    target_kind text not null,
    target blob not null,
    bid_seq integer,
    reason text,
    seq integer,
    request_id text
);
create unique index staff_audit_by_event on staff_audit (target, seq);
create index staff_audit_by_actor on staff_audit (actor, id);
