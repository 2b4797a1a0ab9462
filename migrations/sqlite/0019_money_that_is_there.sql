-- Whoever bids for long has many accounts of money that was set aside once and is not any more: sums pass them by.
create index ledger_accounts_with_money on ledger_accounts (owner, currency, kind) where balance <> 0;
