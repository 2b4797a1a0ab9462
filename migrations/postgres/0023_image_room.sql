-- How much room the images of the hub take, and which of them an auction to be has asked for.

-- When an auction that was about to show it last asked for it: until its row is there, this alone says that it is in use.
alter table images add column named_at timestamptz;
create index images_by_owner on images (owner, id);

-- The bytes of all images together, in one row, so that nobody has to count them.
create table image_room (
    one bigint primary key not null check (one = 1),
    bytes bigint not null check (bytes >= 0)
);
insert into image_room (one, bytes) select 1, coalesce(sum(bytes), 0) from images;

create function images_take_room() returns trigger language plpgsql as $$
begin
    update image_room set bytes = bytes + (select coalesce(sum(bytes), 0) from taken);
    return null;
end $$;
create function images_leave_room() returns trigger language plpgsql as $$
begin
    update image_room set bytes = bytes - (select coalesce(sum(bytes), 0) from gone);
    return null;
end $$;
create function images_keep_their_size() returns trigger language plpgsql as $$
begin
    raise exception 'an image never changes';
end $$;
-- Once a statement, after all its rows: whoever has changed the sum waits for no image any more.
create trigger images_take_room after insert on images referencing new table as taken
    for each statement execute function images_take_room();
create trigger images_leave_room after delete on images referencing old table as gone
    for each statement execute function images_leave_room();
create trigger images_keep_their_size before update of bytes on images
    for each row when (new.bytes <> old.bytes) execute function images_keep_their_size();
