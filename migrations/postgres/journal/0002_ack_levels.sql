-- How safe the records of a log must be before anyone hears of them.
alter table journal_logs add column ack text not null default 'redis' check (ack in ('redis', 'replica', 'sql'));
