-- A set of flags as one number: a flag is in it where its bit is set. An empty set is 0.
create macro macro.flags(flags) as coalesce(list_bit_or(flags), 0)::ubigint
