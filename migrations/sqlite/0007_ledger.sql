-- Money in double entry. A transfer takes an amount from one account and gives it to another, so every transaction, and the
-- sum of all balances, is zero by construction. Balances move by transfers alone; what was written is never changed.

-- What a user has in one currency. Whoever moves money of it changes `revision` first, which is the lock.
create table wallets (
    owner blob not null,
    currency text not null check (length(currency) = 3),
    revision integer not null default 0,
    -- How holds are raised for a bid: exactly as needed (null), or in steps up to this allowance.
    raise_limit integer check (raise_limit > 0),
    -- What staff has set for this wallet in place of the hub's own limits.
    exposure_max integer check (exposure_max >= 0),
    daily_deposit_max integer check (daily_deposit_max >= 0),
    primary key (owner, currency)
);

create table ledger_accounts (
    id integer primary key autoincrement,
    name text unique not null,
    kind text not null check (kind in ('available', 'held', 'withdrawing', 'owed', 'provider', 'house')),
    owner blob,
    auction blob,
    currency text not null check (length(currency) = 3),
    balance integer not null default 0,
    constraint ledger_never_overdrawn check (balance >= 0 or kind in ('provider', 'owed')),
    check (owner is null or abs(balance) <= 9007199254740991),
    check (kind <> 'owed' or balance <= 0),
    check ((kind in ('available', 'held', 'withdrawing', 'owed')) = (owner is not null)),
    check ((kind = 'held') = (auction is not null))
);
create index ledger_accounts_by_owner on ledger_accounts (owner, currency) where owner is not null;
create index ledger_accounts_by_auction on ledger_accounts (auction) where auction is not null;

create table ledger_transactions (
    id integer primary key autoincrement,
    at text not null,
    kind text not null,
    -- What it follows from: the same cause is booked once.
    cause text unique not null,
    auction blob,
    seq integer
);

create table ledger_transfers (
    id integer primary key autoincrement,
    transaction_id integer not null references ledger_transactions (id),
    from_account integer not null references ledger_accounts (id),
    to_account integer not null references ledger_accounts (id),
    amount integer not null check (amount > 0),
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

create trigger ledger_transfer_applied after insert on ledger_transfers
begin
    select raise(abort, 'a transfer stays within one currency')
        where (select count(distinct currency) from ledger_accounts where id in (new.from_account, new.to_account)) <> 1;
    update ledger_accounts set balance = balance - new.amount where id = new.from_account;
    update ledger_accounts set balance = balance + new.amount where id = new.to_account;
end;
create trigger ledger_transfers_fixed before update on ledger_transfers
    begin select raise(abort, 'the ledger is never changed, only added to'); end;
create trigger ledger_transfers_kept before delete on ledger_transfers
    begin select raise(abort, 'the ledger is never changed, only added to'); end;
create trigger ledger_transactions_fixed before update on ledger_transactions
    begin select raise(abort, 'the ledger is never changed, only added to'); end;
create trigger ledger_transactions_kept before delete on ledger_transactions
    begin select raise(abort, 'the ledger is never changed, only added to'); end;
create trigger ledger_accounts_kept before delete on ledger_accounts
    begin select raise(abort, 'the ledger is never changed, only added to'); end;
-- The only change is the one that the newest transfer makes.
create trigger ledger_balances_kept before update on ledger_accounts
    when new.name is not old.name or new.kind is not old.kind or new.owner is not old.owner
        or new.auction is not old.auction or new.currency is not old.currency
        or not exists (
            select 1 from ledger_transfers
            where id = (select max(id) from ledger_transfers)
                and ((from_account = new.id and new.balance = old.balance - amount)
                    or (to_account = new.id and new.balance = old.balance + amount)))
    begin select raise(abort, 'the ledger is never changed, only added to'); end;
create trigger ledger_accounts_begin_empty before insert on ledger_accounts when new.balance <> 0
    begin select raise(abort, 'the ledger is never changed, only added to'); end;

-- What the ledger must know of an auction, and whether it is settled: then nothing is held for it any more.
create table auction_books (
    auction blob primary key not null,
    seller blob not null,
    currency text not null,
    premium_bp integer not null,
    commission_bp integer not null,
    settled_seq integer,
    settled_at text
);

-- Money set aside by a bidder for an auction. `allowance` is the most that the room may have been told; the account holds
-- that and the buyer's premium on it.
create table holds (
    auction blob not null references auction_books (auction),
    bidder blob not null,
    allowance integer not null check (allowance >= 0),
    -- Grows with every change that is asked for; the room takes none but a newer one.
    version integer not null,
    -- What was asked for at this version.
    wanted integer not null check (wanted >= 0 and wanted <= allowance),
    -- The last version that the log of the auction has.
    confirmed integer not null,
    touched_at text not null,
    primary key (auction, bidder)
);
create index holds_by_bidder on holds (bidder);
create index holds_unconfirmed on holds (touched_at) where version > confirmed;
