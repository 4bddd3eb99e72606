-- Whether a score stands on the stated side of a cut-off: below, at_most, at_least or above it.
-- Null where the score or the rule is missing.
create macro macro.meets(score, side, cut) as
    case side when 'below' then score < cut when 'at_most' then score <= cut when 'at_least' then score >= cut when 'above' then score > cut end
