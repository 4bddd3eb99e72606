-- Adverse events of each kind by the month in which the courses began, the doses in which they could happen, and of how
-- many courses, so that a course stands in one month only. Events that belong to no course are left out.
-- Undisclosed: only report reads it, and only through release.event_month.
with
    months as (
        select strftime(course.day_0, '%Y-%m') as month, count(distinct dose.course_id) as courses, count(*) as doses
        from core.dose
        inner join core.course using (course_id)
        group by all
    ),
    events as (
        select
            event.kind_id,
            strftime(course.day_0, '%Y-%m') as month,
            count(*) as events,
            count(distinct event.course_id) as courses_with_event
        from core.event_kind as event
        inner join core.course using (course_id)
        group by all
    )
select
    kind.kind_id,  -- Kind (ref.event_kind).
    'all' as breakdown,  -- Everybody.
    'all' as level,  -- Everybody.
    months.month,  -- Month of day 0.
    months.courses::bigint as courses,  -- Courses with a dose.
    coalesce(events.courses_with_event, 0)::bigint as courses_with_event,  -- Of these, courses with such an event.
    months.doses::bigint as doses,  -- Doses.
    coalesce(events.events, 0)::bigint as events  -- Such events.
from months
cross join ref.event_kind as kind
left join events on months.month = events.month and kind.kind_id = events.kind_id
