-- shard: course_id of core.course
-- One row per course: how many treatment contacts were attended, and when the course is over.
-- A contact is a completed session of a kind that treats (ref.contact_kind). Before day 0 it belongs to the first
-- course.
-- Exports do not say when a course has ended: it is taken to be over once ended_days (ref.setting) have gone by without
-- a contact.
select
    course.course_id,  -- Course.
    count(session.session_id)::integer as contacts,  -- Attended treatment contacts.
    coalesce(max(session.started_on), course.last_medicine_on) as last_contact_on,  -- Day of the last of them.
    coalesce(max(session.started_on), course.last_medicine_on) + setting.ended_days as ended_on  -- Last day of the course, unless another contact comes.
from core.course
cross join ref.setting
left join
    (
        select session.course_id, session.session_id, session.started_on
        from core.session
        inner join ref.contact_kind using (kind)
        where coalesce(session.status, 'completed') = 'completed'
    ) as session using (course_id)
group by course.course_id, course.last_medicine_on, setting.ended_days
