-- The quality of what came in: where the rows of each export file went (kind file), how many rows broke each rule, over
-- all files (kind rule), and what only the tables together can show (kind finding).
-- A profile whose review is overdue at the as-of date is named in a row of kind review.
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
    reviews as (
        select
            'review' as kind,
            'profile' as table_name,
            'REV-01' as code,
            'note' as severity,
            'review_due_on' as column_name,
            'A profile is to be looked at again by its review date: its thresholds may have been replaced. Overdue: '
            || coalesce(
                string_agg(profile.profile_id, ', ' order by profile.profile_id) filter (where review_due_on < as_of),
                'none'
            )
            || '.' as message,
            count(*) as checked,
            count(*) filter (where review_due_on < as_of) as violated
        from ref.profile
        cross join ref.setting
        where review_due_on is not null
        having count(*) > 0
    ),
    rows as (
        from files
        union all by name
        from rules
        union all by name
        from findings
        union all by name
        from reviews
    )
select
    rows.kind,  -- What the row is about: a file, a rule, a finding, or a review that is due.
    rows.file_id,  -- First twelve digits of the file's SHA-256; empty for rules and findings.
    rows.table_name,  -- Clean table that the file fills or the rule guards.
    rows.code,  -- Code of the rule, or of why the file was refused.
    rows.status,  -- Whether the file was accepted or refused; empty for rules and findings.
    rows.rows_in,  -- Rows of the file.
    rows.accepted,  -- Rows that count today, and those of people who have withdrawn.
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
