-- kept as: view
-- One row per adverse event and kind that it is of: any, what its grade and its seriousness say, the group of its term,
-- and whether it was over the same day. A kind is a row of ref.event_kind; terms and grades are sorted by
-- ref.event_term
-- and ref.event_severity. An event is of several kinds.
-- The day of an end is that of the site's calendar; an end without a start time is of the same day if under a day off.
with
    events as (
        select
            event.event_id,
            event.patient_id,
            event.session_id,
            event.is_serious,
            severity.severity,
            severity.is_severe,
            term.event_group,
            term.is_watched,
            session.started_on,
            case
                when session.started_at is not null
                then
                    timezone(
                        setting.timezone,
                        timezone('UTC', session.started_at + to_microseconds((event.resolved_min * 60000000)::bigint))
                    )::date
                else session.started_on + floor(event.resolved_min / 1440)::integer
            end as resolved_on,
            event.resolved_min
        from core.adverse_event as event
        left join core.session using (session_id)
        left join ref.event_severity as severity using (severity)
        left join ref.event_term as term using (term)
        cross join ref.setting
    ),
    kinds as (
        select event_id, 'any' as kind_id
        from events
        union all
        select event_id, 'severe' as kind_id
        from events
        where is_severe
        union all
        select event_id, 'serious' as kind_id
        from events
        where is_serious
        union all
        select event_id, 'watched' as kind_id
        from events
        where is_watched
        union all
        select event_id, 'outlasted_day' as kind_id
        from events
        where coalesce(resolved_on > started_on, resolved_min is null)
        union all
        select event_id, 'severity_unknown' as kind_id
        from events
        where severity is null
        union all
        select event_id, coalesce(event_group, 'other') as kind_id
        from events
    )
select
    kinds.event_id,  -- Adverse event (core.adverse_event).
    kinds.kind_id,  -- Kind (ref.event_kind).
    event.patient_id,  -- Pseudonym of the patient.
    event.session_id,  -- Session in which it happened; empty where the export does not say.
    event.course_id  -- Course of that session.
from kinds
inner join core.adverse_event as event using (event_id)
