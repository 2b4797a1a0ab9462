-- Words are looked up among the newest documents first. So that the index alone tells which documents of a range have them, it
-- keeps with each document the number of its range, of 1,024 numbers; `store/newest.rs` knows that number too. What was there is
-- dropped last, so that searches go on meanwhile.
create index search_texts_titles_by_range on search_texts using gin (titles, (array[number / 1024])) with (fastupdate = off);
create index search_texts_words_by_range on search_texts using gin (words, (array[number / 1024])) with (fastupdate = off);
drop index search_texts_by_titles;
drop index search_texts_by_words;
