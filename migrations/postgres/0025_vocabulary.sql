-- Words of descriptions and comments can be misspelt too, so all words of all documents are counted. What search finds is made
-- anew from the log and the comments; until then, some seconds for each ten thousand auctions, it finds less.
truncate search_texts, search_documents, search_words, search_notes;
insert into search_notes (comment) select id from comments order by at, id;
delete from projection_checkpoints where name = 'search';
