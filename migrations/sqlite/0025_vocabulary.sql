-- Words of descriptions and comments can be misspelt too, so all words of all documents are counted. What search finds is made
-- anew from the log and the comments; until then, some seconds for each ten thousand auctions, it finds less.

-- Each word of a document once, with blanks between: FTS5 does not say which words a document has, and when it goes they are to
-- be counted off.
create table search_vocabulary (
    number integer primary key,
    words text not null
);

-- A word that no document has any longer is forgotten.
create trigger search_word_forgotten after delete on search_words begin
    insert into search_trigrams (search_trigrams, rowid, word) values ('delete', old.number, '  ' || old.word || ' ');
end;

insert into search_texts (search_texts) values ('delete-all');
delete from search_documents;
delete from search_words;
delete from search_notes;
insert into search_notes (comment) select id from comments order by at, id;
delete from projection_checkpoints where name = 'search';
