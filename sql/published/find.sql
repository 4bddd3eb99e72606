-- Where a word occurs in the names and meanings of what is published: one row per table, column or macro.
-- Example: from published.find('coverage')
create macro published.find(word) as table
    select d.kind, d.table_name, d.column_name, d.type, d.unit, d.meaning
    from published.dictionary as d
    where contains(lower(concat_ws(' ', d.table_name, d.column_name, d.meaning)), lower(word))
    order by d.kind, d.table_name, d.ordinal
