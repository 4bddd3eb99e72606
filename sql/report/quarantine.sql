-- What was set aside, and what to mend: one row per export file and rule that cost it rows, or all of it.
-- A file is named by the first twelve digits of its fingerprint, never by its name; a rule says what to mend in a
-- sentence. The rows themselves stay in the house, in the quarantine folder under the same fingerprint.
with
    refused as (
        select ingest_id, table_name, nullif(code, '') as code, 'file' as severity, message, rows_in as checked
        from meta.input_file
        where status = 'refused'
    ),
    broken as (
        select ingest_id, table_name, code, severity, column_name, message, checked, violated
        from meta.rule_result
        where violated > 0 and severity in ('row', 'file')
    ),
    rows as (
        from refused
        union all by name
        from broken
    )
select
    left(ingest_id, 12) as file_id,  -- First twelve digits of the file's SHA-256.
    nullif(table_name, '') as table_name,  -- Clean table that the file fills; empty where that is not known.
    severity,  -- What it cost: the row, or the file.
    code,  -- Code of the rule, or of why the file was refused.
    column_name,  -- Column that the rule is about; empty for a whole file.
    message,  -- What to mend, in a sentence.
    checked,  -- Rows that were looked at; of a refused file, those that were counted before it was.
    violated  -- Rows that broke the rule; empty for a refused file.
from rows
order by all
