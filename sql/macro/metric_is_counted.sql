-- Whether a course counts in a metric's denominator. `reason` is why it should not, null if nothing speaks against it.
-- `unmeasured` is the profile's word on courses without a score in the window: in_denominator keeps them in, as not
-- met.
create macro macro.is_counted(reason, unmeasured) as
    reason is null or (reason = 'no_follow_up' and coalesce(unmeasured = 'in_denominator', false))
