-- Correlation of the mean of k scores with the true score, squared: how much of its distance from the population's mean
-- stays at the next score (Spearman and Brown; Barnett, van der Pols and Dobson 2005, Int J Epidemiol 34:215-220, for
-- several baseline scores). For one score it is r.
create macro macro.kept_share(r, k) as k * r / nullif(1 + (k - 1) * r, 0);

-- Pearson's correlation from exact sums; null where either side does not vary.
create macro macro.correlation(n, sum_x, sum_y, sum_xx, sum_yy, sum_xy) as
    (n * sum_xy - sum_x * sum_y)::double
    / nullif(sqrt((n * sum_xx - sum_x * sum_x)::double) * sqrt((n * sum_yy - sum_y * sum_y)::double), 0);

-- Ends of its 95 % interval on Fisher's scale (Fisher 1921, Metron 1:3-32); null up to three pairs, and where it is 1.
create macro macro.correlation_low(r, n, z) as
    case when n > 3 and abs(r) < 1 then tanh(atanh(r) - z / sqrt(n::double - 3)) end;

create macro macro.correlation_high(r, n, z) as
    case when n > 3 and abs(r) < 1 then tanh(atanh(r) + z / sqrt(n::double - 3)) end
