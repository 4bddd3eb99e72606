-- What came in, night by night: one row per as-of date on which files came, and clean table. A night without files has
-- no row. A file that was refused once and accepted later stands where it was accepted.
-- Caveat: rows of people who have withdrawn since are in rows_in alone.
-- Caveat: rows a newer export corrected meanwhile are counted as accepted here; published.quality has today's count.
select
    as_of,  -- As-of date of the night that took the files in.
    nullif(table_name, '') as table_name,  -- Clean table that they fill; empty where that is not known.
    count(*) as files,  -- Files that came.
    count(*) filter (where status = 'refused') as refused,  -- Of these, refused whole.
    sum(rows_in)::bigint as rows_in,  -- Rows of the files.
    sum(rows_accepted)::bigint as accepted,  -- Rows that were taken in.
    sum(rows_duplicate)::bigint as duplicate,  -- Rows that repeated another one of the same file.
    sum(rows_rejected)::bigint as rejected,  -- Rows that broke a rule.
    max(exported_on) as exported_on  -- Newest day on which any of the files was exported; empty where none tells.
from meta.input_file
where as_of is not null
group by all
order by all
