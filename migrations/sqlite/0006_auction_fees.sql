-- What the house takes of a sale, in basis points, as the terms of the auction say.
alter table auctions add column premium_bp integer not null default 0;
alter table auctions add column commission_bp integer not null default 0;
