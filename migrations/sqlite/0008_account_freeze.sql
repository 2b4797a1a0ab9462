-- Accounts that staff has frozen: they cannot bid and cannot take money out.
alter table accounts add column frozen_at text;
alter table accounts add column freeze_reason text;
