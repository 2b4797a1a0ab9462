-- Nothing to do: FTS5 gives what has the words in the order of its numbers. PostgreSQL gets indexes by which it can.
select 1;
