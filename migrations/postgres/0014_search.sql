-- What search finds, and by what. It follows from auctions and comments, and can be made from them again.

-- A document is an auction or a comment. Here is what finds are filtered, ranked and counted by; what changes with each
-- bid stands apart from the words, so that a bid touches no word. `number` grows with each new document. `title` holds the
-- words of the title as they are compared.
create table search_documents (
    number bigint generated always as identity primary key,
    kind text not null,
    id uuid not null unique,
    auction uuid not null,
    author uuid not null,
    title text not null,
    category text,
    status text,
    opening_price bigint,
    price bigint,
    at timestamptz not null,
    seq bigint not null
);
create index search_documents_by_kind on search_documents (kind, number);
create index search_documents_by_author on search_documents (author, number);
create index search_documents_by_category on search_documents (category, number);
create index search_documents_by_status on search_documents (status, number);

-- All words of a document, and once more those of its title.
create table search_texts (
    number bigint primary key references search_documents (number) on delete cascade,
    titles tsvector not null,
    words tsvector not null
);
create index search_texts_by_titles on search_texts using gin (titles) with (fastupdate = off);
create index search_texts_by_words on search_texts using gin (words) with (fastupdate = off);

-- The words of titles and categories, and in how many documents they are. A misspelt word is looked up by the groups of
-- three letters that it has in common with others.
create extension if not exists pg_trgm;
create table search_words (
    number bigint generated always as identity primary key,
    word text collate "C" not null unique,
    documents bigint not null
);
create index search_words_by_trigram on search_words using gin (word gin_trgm_ops);

-- Comments that were written or have changed since they were made searchable.
create table search_notes (
    number bigint generated always as identity primary key,
    comment uuid not null
);
create function search_note() returns trigger language plpgsql as $$
begin
    insert into search_notes (comment) values (coalesce(new.id, old.id));
    return null;
end $$;
create trigger search_comment_written after insert on comments for each row execute function search_note();
create trigger search_comment_changed after update of body on comments for each row
    when (old.body is distinct from new.body) execute function search_note();
create trigger search_comment_removed after delete on comments for each row execute function search_note();
insert into search_notes (comment) select id from comments order by at, id;
