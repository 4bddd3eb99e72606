-- The rules that doses are held against: one row per rule, with its limits and where they come from.
select
    rule_id,  -- Rule.
    ordinal,  -- Place in lists.
    topic,  -- What it is about: protocol, dissociation, vital_signs or integration.
    title,  -- Name of the rule.
    sentence,  -- When a dose meets it.
    value_id,  -- Value that is held against it (published.session_value).
    route,  -- Route whose doses it is asked of; empty for all.
    at_least,  -- Lower limit, itself allowed, in the unit of the value.
    at_most,  -- Upper limit, itself allowed, in the unit of the value.
    source,  -- Where the limits come from.
    status  -- Whether that source was seen; unverified where not.
from ref.dose_rule
order by all
