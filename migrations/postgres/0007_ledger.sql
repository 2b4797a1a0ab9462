-- Money in double entry. A transfer takes an amount from one account and gives it to another, so every transaction, and the
-- sum of all balances, is zero by construction. Balances move by transfers alone; what was written is never changed.

-- What a user has in one currency. Whoever moves money of it changes `revision` first, which is the lock.
create table wallets (
    owner uuid not null,
    currency text not null check (length(currency) = 3),
    revision bigint not null default 0,
    -- How holds are raised for a bid: exactly as needed (null), or in steps up to this allowance.
    raise_limit bigint check (raise_limit > 0),
    -- What staff has set for this wallet in place of the hub's own limits.
    exposure_max bigint check (exposure_max >= 0),
    daily_deposit_max bigint check (daily_deposit_max >= 0),
    primary key (owner, currency)
);

create table ledger_accounts (
    id bigint generated always as identity primary key,
    name text unique not null,
    kind text not null check (kind in ('available', 'held', 'withdrawing', 'owed', 'provider', 'house')),
    owner uuid,
    auction uuid,
    currency text not null check (length(currency) = 3),
    balance bigint not null default 0,
    constraint ledger_never_overdrawn check (balance >= 0 or kind in ('provider', 'owed')),
    check (owner is null or abs(balance) <= 9007199254740991),
    check (kind <> 'owed' or balance <= 0),
    check ((kind in ('available', 'held', 'withdrawing', 'owed')) = (owner is not null)),
    check ((kind = 'held') = (auction is not null))
);
create index ledger_accounts_by_owner on ledger_accounts (owner, currency) where owner is not null;
create index ledger_accounts_by_auction on ledger_accounts (auction) where auction is not null;

create table ledger_transactions (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    kind text not null,
    -- What it follows from: the same cause is booked once.
    cause text unique not null,
    auction uuid,
    seq bigint
);

create table ledger_transfers (
    id bigint generated always as identity primary key,
    transaction_id bigint not null references ledger_transactions (id),
    from_account bigint not null references ledger_accounts (id),
    to_account bigint not null references ledger_accounts (id),
    amount bigint not null check (amount > 0),
    check (from_account <> to_account)
);
create index ledger_transfers_by_transaction on ledger_transfers (transaction_id);
create index ledger_transfers_by_from on ledger_transfers (from_account, id);
create index ledger_transfers_by_to on ledger_transfers (to_account, id);

-- Both sides of every transfer, signed.
create view ledger_entries as
    select id * 2 as id, transaction_id, from_account as account, -amount as amount from ledger_transfers
    union all
    select id * 2 + 1 as id, transaction_id, to_account as account, amount from ledger_transfers;

create function ledger_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is never changed, only added to';
end $$;
create function ledger_apply() returns trigger language plpgsql as $$
begin
    if (select count(distinct currency) from ledger_accounts where id in (new.from_account, new.to_account)) <> 1 then
        raise exception 'a transfer stays within one currency';
    end if;
    update ledger_accounts set balance = balance - new.amount where id = new.from_account;
    update ledger_accounts set balance = balance + new.amount where id = new.to_account;
    return null;
end $$;
create trigger ledger_transfer_applied after insert on ledger_transfers
    for each row execute function ledger_apply();
create trigger ledger_transfers_fixed before update or delete or truncate on ledger_transfers
    for each statement execute function ledger_refuse();
create trigger ledger_transactions_fixed before update or delete or truncate on ledger_transactions
    for each statement execute function ledger_refuse();
create trigger ledger_accounts_kept before delete or truncate on ledger_accounts
    for each statement execute function ledger_refuse();
create trigger ledger_balances_kept before update on ledger_accounts
    for each row when (pg_trigger_depth() = 0) execute function ledger_refuse();
create trigger ledger_accounts_begin_empty before insert on ledger_accounts
    for each row when (new.balance <> 0) execute function ledger_refuse();

-- What the ledger must know of an auction, and whether it is settled: then nothing is held for it any more.
create table auction_books (
    auction uuid primary key not null,
    seller uuid not null,
    currency text not null,
    premium_bp bigint not null,
    commission_bp bigint not null,
    settled_seq bigint,
    settled_at timestamptz
);

-- Money set aside by a bidder for an auction. `allowance` is the most that the room may have been told; the account holds
-- that and the buyer's premium on it.
create table holds (
    auction uuid not null references auction_books (auction),
    bidder uuid not null,
    allowance bigint not null check (allowance >= 0),
    -- Grows with every change that is asked for; the room takes none but a newer one.
    version bigint not null,
    -- What was asked for at this version.
    wanted bigint not null check (wanted >= 0 and wanted <= allowance),
    -- The last version that the log of the auction has.
    confirmed bigint not null,
    touched_at timestamptz not null,
    primary key (auction, bidder)
);
create index holds_by_bidder on holds (bidder);
create index holds_unconfirmed on holds (touched_at) where version > confirmed;
