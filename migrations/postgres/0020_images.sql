-- Images for auctions, as the hub made them of what was uploaded. They are here, and not in files, so that every node has them.

create table images (
    id uuid primary key not null,
    owner uuid not null references accounts (id),
    -- SHA-256 of what was uploaded: the same, sent again by the same account, is the same image.
    digest bytea not null,
    -- Where the hub serves it, as auctions have it in their `image_url`.
    path text not null unique,
    content_type text not null check (content_type in ('image/jpeg', 'image/webp')),
    width bigint not null check (width > 0),
    height bigint not null check (height > 0),
    thumbnail_width bigint not null check (thumbnail_width > 0),
    thumbnail_height bigint not null check (thumbnail_height > 0),
    -- Of all its files, for the quota of the account.
    bytes bigint not null check (bytes > 0),
    at timestamptz not null,
    -- When it was last known to be wanted: uploaded, named by an auction to be, or found in use.
    wanted_at timestamptz not null,
    unique (owner, digest)
);
create index images_by_wanted on images (wanted_at);

create table image_files (
    image uuid not null references images (id) on delete cascade,
    size text not null check (size in ('full', 'thumbnail')),
    body bytea not null,
    primary key (image, size)
);

-- The files are packed already.
alter table image_files alter column body set storage external;

-- Which auctions show an image.
create index auctions_by_image on auctions (image_url) where image_url is not null;
