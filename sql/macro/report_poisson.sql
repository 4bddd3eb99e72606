-- Exact limits of a Poisson count (Garwood 1936, Biometrika 28:437-442). Up to 200 events ref.poisson has them;
-- above, the
-- Wilson-Hilferty approximation is within a hundred-thousandth of them.
create macro macro.poisson_low(events, exact_e12, z) as
    coalesce(
        exact_e12 / 1e12::double,
        events * (1 - 1 / (9 * nullif(events, 0)::double) - z / (3 * sqrt(nullif(events, 0)::double))) ** 3
    );

create macro macro.poisson_high(events, exact_e12, z) as
    coalesce(
        exact_e12 / 1e12::double,
        (events + 1) * (1 - 1 / (9 * (events + 1)::double) + z / (3 * sqrt((events + 1)::double))) ** 3
    )
