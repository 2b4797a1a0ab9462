-- Accounts, their roles, and the tokens by which they act. Tokens are kept as SHA-256 only.

create table accounts (
    id uuid primary key not null,
    email text unique,
    email_confirmed_at timestamptz,
    external_subject text unique,
    external_email text,
    display_name text not null,
    password_hash text,
    banned_at timestamptz,
    ban_reason text,
    created_at timestamptz not null
);

create table account_roles (
    account_id uuid not null references accounts (id) on delete cascade,
    role text not null,
    granted_at timestamptz not null,
    primary key (account_id, role)
);

create table sessions (
    id bytea primary key not null,
    account_id uuid not null references accounts (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index sessions_by_account on sessions (account_id);
create index sessions_by_end on sessions (expires_at);

-- Foreign tokens that were signed out before they ended.
create table revoked_tokens (
    id bytea primary key not null,
    expires_at timestamptz not null
);
create index revoked_tokens_by_end on revoked_tokens (expires_at);

-- Tokens sent by mail: to confirm an address, to set a new password.
create table mailed_tokens (
    id bytea primary key not null,
    account_id uuid not null references accounts (id) on delete cascade,
    purpose text not null check (purpose in ('confirm_email', 'reset_password')),
    expires_at timestamptz not null
);
create index mailed_tokens_by_account on mailed_tokens (account_id);
create index mailed_tokens_by_end on mailed_tokens (expires_at);
