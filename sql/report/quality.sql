-- The quality of what came in: where the rows of each export file went (kind file), how many rows broke each rule, over
-- all files (kind rule), and what only the tables together can show (kind finding).
-- A file is named by the first twelve digits of its fingerprint, never by its name.
-- Rows in = accepted + duplicate + superseded + rejected. A refused file has no such counts, since its rows were never
-- told apart.
with
    files as (
        select
            'file' as kind,
            left(ingest_id, 12) as file_id,
            table_name,
            status,
            nullif(code, '') as code,
            rows_in,
            accepted,
            duplicate,
            superseded,
            rejected
        from core.accounting
    ),
    rules as (
        select
            'rule' as kind,
            table_name,
            code,
            severity,
            column_name,
            message,
            sum(checked)::bigint as checked,
            sum(violated)::bigint as violated
        from meta.rule_result
        group by all
    ),
    findings as (
        select 'finding' as kind, table_name, code, severity, column_name, message, checked, violated from core.finding
    ),
    rows as (
        from files
        union all by name
        from rules
        union all by name
        from findings
    )
select
    rows.kind,  -- What the row is about: a file, a rule, or a finding.
    rows.file_id,  -- First twelve digits of the file's SHA-256; empty for rules and findings.
    rows.table_name,  -- Clean table that the file fills or the rule guards.
    rows.code,  -- Code of the rule, or of why the file was refused.
    rows.status,  -- Whether the file was accepted or refused; empty for rules and findings.
    rows.rows_in,  -- Rows of the file.
    rows.accepted,  -- Rows that count today.
    rows.duplicate,  -- Rows that repeat another one.
    rows.superseded,  -- Rows that a newer export corrected.
    rows.rejected,  -- Rows that broke a rule.
    rows.severity,  -- What a violation costs: the row, the file, or the publication.
    rows.column_name,  -- Column that the rule is about.
    rows.message,  -- What the rule asks, in a sentence.
    rows.checked,  -- Rows that were looked at.
    rows.violated,  -- Rows that broke the rule.
    macro.published(macro.share(rows.violated, rows.checked)) as violation_rate  -- Violated / checked.
from rows
order by all
