-- Auctions with a record that no program could read yet, from that record on: projections pass over them.
create table projection_aside (
    auction uuid primary key not null,
    position bigint not null
);
