-- A count rounded to the nearest multiple of `unit`, halves up; a `unit` of 1 leaves it as it is.
create macro macro.rounded(total, unit) as (divide(2 * total + unit, 2 * unit) * unit)::bigint
