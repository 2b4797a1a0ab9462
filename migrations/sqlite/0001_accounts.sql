-- Accounts, their roles, and the tokens by which they act. Tokens are kept as SHA-256 only.

create table accounts (
    id blob primary key not null,
    email text unique,
    email_confirmed_at text,
    external_subject text unique,
    external_email text,
    display_name text not null,
    password_hash text,
    banned_at text,
    ban_reason text,
    created_at text not null
);

create table account_roles (
    account_id blob not null references accounts (id) on delete cascade,
    role text not null,
    granted_at text not null,
    primary key (account_id, role)
);

create table sessions (
    id blob primary key not null,
    account_id blob not null references accounts (id) on delete cascade,
    created_at text not null,
    expires_at text not null
);
create index sessions_by_account on sessions (account_id);
create index sessions_by_end on sessions (expires_at);

-- Foreign tokens that were signed out before they ended.
create table revoked_tokens (
    id blob primary key not null,
    expires_at text not null
);
create index revoked_tokens_by_end on revoked_tokens (expires_at);

-- Tokens sent by mail: to confirm an address, to set a new password.
create table mailed_tokens (
    id blob primary key not null,
    account_id blob not null references accounts (id) on delete cascade,
    purpose text not null check (purpose in ('confirm_email', 'reset_password')),
    expires_at text not null
);
create index mailed_tokens_by_account on mailed_tokens (account_id);
create index mailed_tokens_by_end on mailed_tokens (expires_at);
