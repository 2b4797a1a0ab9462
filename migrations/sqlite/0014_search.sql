-- What search finds, and by what. It follows from auctions and comments, and can be made from them again.

-- A document is an auction or a comment. Here is what finds are filtered, ranked and counted by; what changes with each
-- bid stands apart from the words, so that a bid touches no word. `number` grows with each new document. `title` holds the
-- words of the title as they are compared.
create table search_documents (
    number integer primary key autoincrement,
    kind text not null,
    id blob not null unique,
    auction blob not null,
    author blob not null,
    title text not null,
    category text,
    status text,
    opening_price integer,
    price integer,
    at text not null,
    seq integer not null
);
create index search_documents_by_kind on search_documents (kind, number);
create index search_documents_by_author on search_documents (author, number);
create index search_documents_by_category on search_documents (category, number);
create index search_documents_by_status on search_documents (status, number);

-- All words of a document, and once more those of its title. They come cut and folded, with blanks between: the tokenizer
-- must take every other sign for a letter.
create virtual table search_texts using fts5(
    titles, words, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '2 3'
);

-- The words of titles and categories, and in how many documents they are. A misspelt word is looked up by the groups of
-- three letters that it has in common with others; the blanks around a word are letters of such groups too.
create table search_words (
    number integer primary key,
    word text not null unique,
    documents integer not null
);
create virtual table search_trigrams using fts5(word, content = '', tokenize = 'trigram case_sensitive 1');
create trigger search_word_learned after insert on search_words begin
    insert into search_trigrams (rowid, word) values (new.number, '  ' || new.word || ' ');
end;

-- Comments that were written or have changed since they were made searchable.
create table search_notes (
    number integer primary key autoincrement,
    comment blob not null
);
create trigger search_comment_written after insert on comments begin
    insert into search_notes (comment) values (new.id);
end;
create trigger search_comment_changed after update of body on comments when old.body is not new.body begin
    insert into search_notes (comment) values (new.id);
end;
create trigger search_comment_removed after delete on comments begin
    insert into search_notes (comment) values (old.id);
end;
insert into search_notes (comment) select id from comments order by at, id;
