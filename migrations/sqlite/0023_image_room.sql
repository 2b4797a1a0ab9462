-- How much room the images of the hub take, and which of them an auction to be has asked for.

-- When an auction that was about to show it last asked for it: until its row is there, this alone says that it is in use.
alter table images add column named_at text;
create index images_by_owner on images (owner, id);

-- The bytes of all images together, in one row, so that nobody has to count them.
create table image_room (
    one integer primary key not null check (one = 1),
    bytes integer not null check (bytes >= 0)
);
insert into image_room (one, bytes) select 1, coalesce(sum(bytes), 0) from images;

create trigger images_take_room after insert on images
    begin update image_room set bytes = bytes + new.bytes; end;
create trigger images_leave_room after delete on images
    begin update image_room set bytes = bytes - old.bytes; end;
create trigger images_keep_their_size before update of bytes on images when new.bytes <> old.bytes
    begin select raise(abort, 'an image never changes'); end;
