-- Support tickets: what users ask staff, and what comes of it.

-- Whoever opens a ticket changes the row of its author first, which is the lock on how many may be open.
create table ticket_authors (
    account blob primary key not null references accounts (id),
    revision integer not null default 0
);

create table tickets (
    -- The order of the lists.
    number integer primary key autoincrement,
    id blob not null unique,
    author blob not null references accounts (id),
    subject text not null,
    -- The subject in lower case, to be searched.
    folded text not null,
    auction blob,
    status text not null check (status in ('open', 'pending', 'answered', 'closed')),
    assignee blob references accounts (id),
    created_at text not null,
    -- The last message to or from the author, or change of the status.
    updated_at text not null,
    -- Since when the author waits for an answer; null if they do not.
    waiting_since text,
    first_answer_at text,
    closed_at text,
    -- Grows with every change.
    version integer not null,
    -- How many messages there are, internal ones included.
    messages integer not null,
    key text,
    request blob,
    check ((status = 'closed') = (closed_at is not null))
);
create index tickets_by_author on tickets (author, number);
create index tickets_by_status on tickets (status, number);
create index tickets_by_assignee on tickets (assignee, number) where assignee is not null;
create index tickets_by_auction on tickets (auction, number) where auction is not null;
create unique index tickets_by_key on tickets (author, key) where key is not null;

create table ticket_messages (
    id blob primary key not null,
    ticket blob not null references tickets (id),
    number integer not null,
    author blob not null references accounts (id),
    from_staff boolean not null,
    -- For staff alone.
    internal boolean not null,
    body text not null,
    -- The body in lower case, to be searched.
    folded text not null,
    at text not null,
    key text,
    request blob,
    check (from_staff or not internal)
);
create unique index ticket_messages_by_number on ticket_messages (ticket, number);
create unique index ticket_messages_by_key on ticket_messages (author, key) where key is not null;
