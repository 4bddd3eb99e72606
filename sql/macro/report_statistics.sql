-- Shares, intervals and spreads. Every division is over `nullif`, so an empty group gives null and never infinity.
-- Ten decimals: far below what matters, above where two machines might differ; adding zero turns -0 into 0.
create macro macro.published(x) as round(x::double, 10) + 0;

create macro macro.share(part, whole) as part::double / nullif(whole, 0);

-- Wilson score interval (Wilson 1927, J Am Stat Assoc 22:209-212) of `events` in `trials`; `z` is the normal quantile.
create macro macro.wilson_low(events, trials, z) as
    case
        when trials > 0
        then greatest(
            0::double,
            (events + z ** 2 / 2 - z * sqrt(events::double * (trials - events) / nullif(trials, 0) + z ** 2 / 4)) / (trials + z ** 2)
        )
    end;

create macro macro.wilson_high(events, trials, z) as
    case
        when trials > 0
        then least(
            1::double,
            (events + z ** 2 / 2 + z * sqrt(events::double * (trials - events) / nullif(trials, 0) + z ** 2 / 4)) / (trials + z ** 2)
        )
    end;

-- Sample standard deviation (n - 1) from exact sums: the difference is taken before anything is rounded.
create macro macro.spread(n, total, total_of_squares) as
    sqrt((n * total_of_squares - total * total)::double / nullif(n::double * (n - 1), 0));

-- Quantile of Student's t from the normal quantile `z`, for over 200 degrees of freedom, where it is exact to ten
-- decimals
-- (Cornish-Fisher expansion, Abramowitz and Stegun 1964, 26.7.5). Up to 200, ref.student_t has it.
create macro macro.student_t(z, df) as
    z
    + (z ** 3 + z) / nullif(4 * df::double, 0)
    + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / nullif(96 * df::double ** 2, 0)
    + (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / nullif(384 * df::double ** 3, 0)
    + (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / nullif(92160 * df::double ** 4, 0);

-- Hedges' correction for small samples (Hedges 1981, J Educ Stat 6:107-128), in its usual approximation.
create macro macro.hedges(df) as case when df > 0 then 1 - 3 / (4 * df::double - 1) end;

-- A mean change in units of the root of the mean variance of both occasions (d_av, Cumming 2012).
create macro macro.paired_effect(change, sd_1, sd_2) as change / nullif(sqrt((sd_1 ** 2 + sd_2 ** 2) / 2), 0);

-- Standard error of a mean change in such units (Bonett 2008, Psychol Methods 13:99-109).
create macro macro.paired_effect_error(effect, sd_1, sd_2, sd_change, n) as
    sqrt(
        effect ** 2
        * (sd_1 ** 4 + sd_2 ** 4 + 2 * ((sd_1 ** 2 + sd_2 ** 2 - sd_change ** 2) / 2) ** 2)
        / nullif(2 * (n - 1)::double * (sd_1 ** 2 + sd_2 ** 2) ** 2, 0)
        + 2 * sd_change ** 2 / nullif((n - 1)::double * (sd_1 ** 2 + sd_2 ** 2), 0)
    );

-- Ends of the 95 % interval of a product-limit estimate `s` on the scale of log(-log s), after Greenwood's variance of
-- log s (Kalbfleisch and Prentice 1980; `log-log` in other programs). Null where s is 0 or 1, which have none.
create macro macro.survival_low(s, variance, z) as case when s > 0 and s < 1 then pow(s, exp(z * sqrt(variance) / - ln(s))) end;

create macro macro.survival_high(s, variance, z) as case when s > 0 and s < 1 then pow(s, exp(- z * sqrt(variance) / - ln(s))) end;

-- A number rounded to a multiple of `step`; as it is without one.
create macro macro.to_step(x, step) as coalesce(round(x / step) * step, x);

-- Quantile of numbers that stand in order, between neighbours by their distance (type 7 of Hyndman and Fan 1996).
create macro macro.quantile_of(in_order, share) as
    in_order[floor((len(in_order) - 1) * share)::integer + 1]
    + ((len(in_order) - 1) * share - floor((len(in_order) - 1) * share))
    * (
        in_order[least(floor((len(in_order) - 1) * share)::integer + 2, len(in_order))]
        - in_order[floor((len(in_order) - 1) * share)::integer + 1]
    )
