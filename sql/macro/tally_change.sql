-- Clinically significant change. `sign` is 1 where lower scores are better, -1 where higher ones are, so that
-- whatever comes out is
-- positive where somebody is better. Every division is over `nullif`: without reliability or spread the answer is null.
-- Standard error of measuring, from the spread of the people measured and the reliability.
create macro macro.measuring_error(sd, r) as sd * sqrt(1 - r);

-- Spread of true scores: what is left of the spread when the error of measuring is taken off; null where nothing is.
create macro macro.true_spread(sd, error) as case when sd > error then sqrt(sd ** 2 - error ** 2) end;

-- Cut-offs between a clinical and a functional population (Jacobson and Truax 1991): a, b, and c.
create macro macro.cutoff_a(mean_clinical, sd_clinical, sign, deviations) as mean_clinical - sign * deviations * sd_clinical;

create macro macro.cutoff_b(mean_functional, sd_functional, sign, deviations) as
    mean_functional + sign * deviations * sd_functional;

create macro macro.cutoff_c(mean_clinical, sd_clinical, mean_functional, sd_functional) as
    (sd_clinical * mean_functional + sd_functional * mean_clinical) / nullif(sd_clinical + sd_functional, 0);

-- Whether a score lies on the functional side; a score on the cut-off doesn't.
create macro macro.is_functional(score, cutoff, sign) as sign * (cutoff - score) > 0;

-- The true score that is expected of somebody with this score (Edwards, Kelley): pulled to the mean of the population.
create macro macro.expected_score(score, mean, r) as r * score + (1 - r) * mean;

-- Change in units of its standard error, by method; each is held against a quantile of the normal distribution.
create macro macro.change_jt(baseline, score, error, sign) as sign * (baseline - score) / nullif(sqrt(2) * error, 0);

create macro macro.change_en(baseline, score, mean, r, error, sign) as
    sign * (macro.expected_score(baseline, mean, r) - score) / nullif(error, 0);

create macro macro.change_gln(baseline, score, mean, sd, r, sign) as
    sign * (macro.expected_score(baseline, mean, r) - score) / nullif(sd * sqrt(1 - r ** 2), 0);

-- Hageman and Arrindell: each change is pulled to the mean change by the reliability of changes.
create macro macro.change_ha(baseline, score, mean_change, r_change, error, sign) as
    case
        when r_change > 0
        then
            - sign
            * ((score - baseline) * r_change + mean_change * (1 - r_change))
            / nullif(sqrt(r_change) * sqrt(2) * error, 0)
    end;

-- How far beyond the true cut-off the true score is, in units of its standard error; the population is that of the
-- occasion.
create macro macro.beyond_ha(score, mean, r, cutoff, error, sign) as
    case when r > 0 then sign * (cutoff - macro.expected_score(score, mean, r)) / nullif(sqrt(r) * error, 0) end;

-- Share of a spread that isn't error of measuring: reliability in people who differ by `sd`.
create macro macro.reliability_among(sd, error) as 1 - error ** 2 / nullif(sd ** 2, 0);

-- The five categories from what changed and on which side of the cut-off it began and ended.
create macro macro.change_category(change, critical, was_functional, is_functional) as
    case
        when change is null or was_functional is null or is_functional is null
        then null
        when change >= critical
        then case when not was_functional and is_functional then 'recovered' else 'improved' end
        when change <= - critical
        then case when was_functional and not is_functional then 'harmed' else 'deteriorated' end
        else 'unchanged'
    end
