-- What is there to ask of, and what is a row of each?
-- Every table and macro of this release; published.find('word') searches names and meanings of columns as well.
select kind, table_name, type as arguments, meaning
from published.dictionary
where column_name is null
order by kind, table_name
