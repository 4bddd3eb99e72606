-- shard: patient_id
-- One row per course: what was planned and given, and what went with it: preparation, therapy, integration, modalities.
-- Every medicine session of the export counts as planned, also one that was cancelled or not attended. A session
-- belongs
-- to its course as core.session says; preparation before the first dose belongs to the first course.
-- The band of integration is that of the course's first dose (ref.integration_band), `none` where no session followed.
-- The modalities are those of all completed sessions of the course, each once, in alphabetical order.
-- A programme promises a format if its name holds a word of ref.format_label.
with
    sessions as (
        select
            session.*,
            coalesce(status, 'completed') = 'completed' as is_completed,
            coalesce(status, 'completed') in ('completed', 'stopped_early') as is_given
        from core.session
        where course_id is not null
    ),
    counted as (
        select
            course_id,
            any_value(patient_id) as patient_id,
            count(*) filter (where kind = 'medicine') as planned,
            count(*) filter (where kind = 'medicine' and is_given) as given,
            count(*) filter (where kind = 'medicine' and status = 'stopped_early') as stopped_early,
            count(*) filter (where kind = 'medicine' and status = 'cancelled') as cancelled,
            count(*) filter (where kind = 'medicine' and status = 'no_show') as no_show,
            count(*) filter (where kind = 'preparation' and is_completed) as preparation,
            count(*) filter (where kind = 'therapy' and is_completed) as therapy,
            count(*) filter (where kind = 'integration' and is_completed) as integration,
            min(route) filter (where kind = 'medicine' and is_given) as first_route,
            max(route) filter (where kind = 'medicine' and is_given) as last_route,
            max(group_size) filter (where kind = 'medicine' and is_given) as group_size,
            min(programme_id) filter (where kind = 'medicine' and is_given) as programme_id,
            max(programme_id) filter (where kind = 'medicine' and is_given) as last_programme_id
        from sessions
        group by course_id
    ),
    modalities as (
        select course_id, list_sort(list(distinct modality)) as modalities
        from (select course_id, unnest(modality) as modality from sessions where is_completed and modality is not null)
        group by all
    ),
    treatments as (
        select
            course_id,
            started_on,
            coalesce(
                started_on - lag(started_on) over (partition by course_id order by started_on) > 1, true
            ) as begins_block
        from sessions
        where is_treatment and phase = 'induction'
    ),
    treatments_in_blocks as (
        select
            course_id,
            count(*) filter (where begins_block) over (
                partition by course_id order by started_on rows unbounded preceding
            ) as block
        from treatments
    ),
    blocks as (select course_id, block, count(*) as doses from treatments_in_blocks group by all),
    blocks_of_courses as (select course_id, count(*) as blocks, max(doses) as largest from blocks group by all),
    first_doses as (
        select dose.course_id, dose.dose_band, dose.hours_to_integration
        from core.dose
        where dose.number_in_course = 1 and dose.course_id is not null
    ),
    programmes as (select distinct programme_id from counted),
    promises as (
        select programmes.programme_id, arg_min(label.format, label.ordinal) as promised_format
        from programmes
        inner join ref.format_label as label on contains(lower(programmes.programme_id), label.word)
        group by all
    )
select
    counted.course_id,  -- Course.
    counted.patient_id,  -- Pseudonym of the patient.
    counted.planned::integer as planned,  -- Medicine sessions that were planned, given or not.
    counted.given::integer as given,  -- Medicine sessions that were given, in full or stopped early.
    counted.stopped_early::integer as stopped_early,  -- Of these, stopped early.
    counted.cancelled::integer as cancelled,  -- Planned medicine sessions that were cancelled.
    counted.no_show::integer as no_show,  -- Planned medicine sessions that were not attended.
    counted.preparation::integer as preparation,  -- Completed preparation sessions.
    counted.therapy::integer as therapy,  -- Completed therapy sessions.
    counted.integration::integer as integration,  -- Completed integration sessions.
    coalesce(counted.first_route <> counted.last_route, false) as has_switched_route,  -- Whether doses were given by more than one route.
    coalesce(counted.programme_id <> counted.last_programme_id, false) as has_switched_programme,  -- Whether doses name more than one programme.
    coalesce(counted.group_size > 1, false) as was_in_group,  -- Whether any dose was given in a group.
    first_doses.dose_band,  -- Band of the first dose (ref.dose_band).
    first_doses.hours_to_integration,  -- Hours from the first dose to its integration session; empty where there was none.
    case
        when first_doses.course_id is null
        then null
        when first_doses.hours_to_integration is null
        then 'none'
        else band.integration_band
    end as integration_band,  -- Band of that delay; none where no integration followed.
    coalesce(blocks_of_courses.blocks, 0)::integer as induction_blocks,  -- Blocks of the induction: its completed medicine sessions on consecutive days are one.
    coalesce(blocks_of_courses.largest, 0)::integer as largest_block,  -- Medicine sessions in the largest of them.
    modalities.modalities,  -- Psychotherapies of the course, each once, in alphabetical order; empty where none was recorded.
    coalesce(array_to_string(modalities.modalities, '+'), 'none recorded') as modality_set,  -- The same as one name.
    promises.promised_format  -- Format that the programme's name promises; empty where it promises none.
from counted
left join first_doses using (course_id)
left join modalities using (course_id)
left join blocks_of_courses using (course_id)
left join
    ref.integration_band as band
    on first_doses.hours_to_integration <= coalesce(band.to_hours, first_doses.hours_to_integration)
    and (band.above_hours is null or first_doses.hours_to_integration > band.above_hours)
left join promises using (programme_id)
