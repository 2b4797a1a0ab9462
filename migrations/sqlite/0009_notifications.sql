-- What people are told, once for each cause, and whether it went out yet. Ids are given out before a commit, so a smaller one
-- may appear after a greater one: what is not pushed yet is found by `pushed_at`, never by the last id that was.
create table notifications (
    id integer primary key autoincrement,
    account blob not null,
    kind text not null,
    auction blob,
    cause text not null,
    data text not null,
    at text not null,
    read_at text,
    pushed_at text,
    mail_due boolean not null default false,
    mailed_at text
);
create unique index notifications_by_cause on notifications (account, cause);
create index notifications_by_account on notifications (account, id);
create index notifications_unread on notifications (account, id) where read_at is null;
create index notifications_to_push on notifications (id) where pushed_at is null;
create index notifications_to_mail on notifications (id) where mail_due;
create index notifications_mailed on notifications (account, mailed_at) where mailed_at is not null;
create index notifications_by_age on notifications (at);

-- Which groups of notifications an account wants by which way; a group without a row is pushed and not mailed.
create table notification_preferences (
    account blob not null references accounts (id) on delete cascade,
    group_name text not null,
    push boolean not null,
    email boolean not null,
    primary key (account, group_name)
);
