-- What staff should look at: what people report, and what in the log of auctions looks like shills or rings.

-- The auctions that have ended and were looked through: once each.
create table moderation_auctions (
    auction blob primary key not null,
    -- The event by which it ended.
    seq integer not null,
    seller blob not null,
    ended_at text not null
);

-- How each bidder went about an auction that has ended; parts in thousandths.
create table moderation_conducts (
    auction blob not null,
    bidder blob not null,
    seller blob not null,
    ended_at text not null,
    -- True if somebody else won.
    lost boolean not null,
    share integer not null check (share between 0 and 1000),
    small integer not null check (small between 0 and 1000),
    early integer not null check (early between 0 and 1000),
    primary key (auction, bidder)
);
create index moderation_conducts_by_bidder on moderation_conducts (bidder, ended_at);

-- The queue. What comes up again while it waits is counted, and does not wait twice.
create table moderation_items (
    -- The order of the list.
    number integer primary key autoincrement,
    id blob not null unique,
    kind text not null check (kind in ('comment_report', 'auction_report', 'shill', 'ring')),
    -- The comment or the auction that is reported; the seller with whom somebody looks like a shill.
    topic blob not null,
    -- Whom it is about.
    account blob not null,
    -- In which auction it came up last.
    auction blob not null,
    -- What a signal follows from.
    evidence text,
    -- How often it came up.
    times integer not null default 1 check (times > 0),
    first_at text not null,
    last_at text not null,
    -- False until those of staff who are there have been shown it as it is.
    told boolean not null default false,
    status text not null default 'open' check (status in ('open', 'upheld', 'dismissed')),
    closed_at text,
    closed_by blob,
    reason text,
    check ((status = 'open') = (closed_at is null) and (closed_at is null) = (closed_by is null)),
    check ((closed_at is null) = (reason is null))
);
create unique index moderation_items_open on moderation_items (kind, topic, account) where status = 'open';
create index moderation_items_by_status on moderation_items (status, number);
create index moderation_items_by_account on moderation_items (account, number);
create index moderation_items_by_auction on moderation_items (auction, number);
create index moderation_items_untold on moderation_items (number) where not told;

-- In which item of the queue a report is.
alter table reports add column item blob;
create index reports_by_item on reports (item, id);

-- The audit trail is only added to; a row that the journal brought may still learn by which request.
create trigger staff_audit_kept before delete on staff_audit
    begin select raise(abort, 'the audit trail is never changed, only added to'); end;
create trigger staff_audit_fixed before update of id, at, actor, action, target_kind, target, bid_seq, reason, seq on staff_audit
    begin select raise(abort, 'the audit trail is never changed, only added to'); end;
create trigger staff_audit_request_fixed before update of request_id on staff_audit
    when old.request_id is not null and new.request_id is not old.request_id
    begin select raise(abort, 'the audit trail is never changed, only added to'); end;
