-- kept as: view
-- One row per course with its level in every breakdown of the published tables that asks for no measure.
-- A NEW BREAKDOWN IS ONE LINE in `levels` below: its name and where its level comes from; an unknown level is
-- published as `unknown`.
select
    course.course_id,  -- Course.
    {
        'all':'all',
        'site':course.site_id,
        'programme':course.programme_id,
        'indication':course.indication,
        'subtype':course.indication_subtype,
        'route':course.route,
        'format':course.format,
        'dose_of_start':care.dose_band,
        'integration':care.integration_band,
        'modalities':care.modality_set,
        'with_emdr':macro.yes_no(list_contains(care.modalities, 'emdr')),
        'with_art':macro.yes_no(list_contains(care.modalities, 'art')),
        'with_ifs':macro.yes_no(list_contains(care.modalities, 'ifs')),
        'with_cbt':macro.yes_no(list_contains(care.modalities, 'cbt')),
        'with_somatic':macro.yes_no(list_contains(care.modalities, 'somatic')),
        'with_exposure':macro.yes_no(list_contains(care.modalities, 'exposure')),
        'treatment_resistance':course.treatment_resistance,
        'prior_failures':failures.prior_failures,
        'sex':course.sex,
        'age_band':course.age_band,
        'ethnicity':coalesce(ethnicity.ethnicity_group, case when course.ethnicity is not null then 'unlisted' end),
        'occupation':course.occupation
    } as levels  -- Level of the course in each breakdown.
from core.course
left join core.course_care as care using (course_id)
left join
    ref.prior_failures as failures
    on course.failed_antidepressants >= failures.from_failed
    and (failures.to_failed is null or course.failed_antidepressants <= failures.to_failed)
left join ref.ethnicity_group as ethnicity on lower(course.ethnicity) = ethnicity.ethnicity
