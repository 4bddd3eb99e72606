-- shard: patient_id
-- One row per adverse event as the newest export describes it, with the course of the patient that it fell into,
-- where its session is known.
select
    event.event_id,  -- Identifier of the event.
    event.patient_id,  -- Pseudonym of the patient.
    event.session_id,  -- Session in which it happened.
    session.course_id,  -- Course of that session.
    event.term,  -- What happened, as a code of the clinic's list.
    event.severity,  -- How severe it was.
    event.is_serious,  -- Whether it was serious in the regulatory sense.
    event.onset_min,  -- Minutes from dose to onset.
    event.resolved_min,  -- Minutes from dose to end.
    event.file_number,  -- Export file; core.accounting names it.
    event.source_line  -- Line of the export file.
from clean.adverse_event as event
inner join core.adverse_event_version as version using (file_number, source_line)
left join core.session using (session_id)
where version.standing = 'kept'
order by event.event_id
