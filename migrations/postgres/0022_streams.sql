-- Up to which position of the journal each stream out of the hub has come.
create table stream_checkpoints (
    name text primary key not null,
    position bigint not null
);
