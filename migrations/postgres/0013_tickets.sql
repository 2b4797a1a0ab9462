-- Support tickets: what users ask staff, and what comes of it.

-- Whoever opens a ticket changes the row of its author first, which is the lock on how many may be open.
create table ticket_authors (
    account uuid primary key not null references accounts (id),
    revision bigint not null default 0
);

create table tickets (
    -- The order of the lists.
    number bigint generated always as identity primary key,
    id uuid not null unique,
    author uuid not null references accounts (id),
    subject text not null,
    -- The subject in lower case, to be searched.
    folded text not null,
    auction uuid,
    status text not null check (status in ('open', 'pending', 'answered', 'closed')),
    assignee uuid references accounts (id),
    created_at timestamptz not null,
    -- The last message to or from the author, or change of the status.
    updated_at timestamptz not null,
    -- Since when the author waits for an answer; null if they do not.
    waiting_since timestamptz,
    first_answer_at timestamptz,
    closed_at timestamptz,
    -- Grows with every change.
    version bigint not null,
    -- How many messages there are, internal ones included.
    messages bigint not null,
    key text,
    request bytea,
    check ((status = 'closed') = (closed_at is not null))
);
create index tickets_by_author on tickets (author, number);
create index tickets_by_status on tickets (status, number);
create index tickets_by_assignee on tickets (assignee, number) where assignee is not null;
create index tickets_by_auction on tickets (auction, number) where auction is not null;
create unique index tickets_by_key on tickets (author, key) where key is not null;

create table ticket_messages (
    id uuid primary key not null,
    ticket uuid not null references tickets (id),
    number bigint not null,
    author uuid not null references accounts (id),
    from_staff boolean not null,
    -- For staff alone.
    internal boolean not null,
    body text not null,
    -- The body in lower case, to be searched.
    folded text not null,
    at timestamptz not null,
    key text,
    request bytea,
    check (from_staff or not internal)
);
create unique index ticket_messages_by_number on ticket_messages (ticket, number);
create unique index ticket_messages_by_key on ticket_messages (author, key) where key is not null;
