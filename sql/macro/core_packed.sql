-- Answers of a form in one number, so that items can be compared later without going through all answers again: four
-- bits
-- for each
-- item, one more than the answer, and zero where it's blank. A number holds fifteen items, and answers of 0 to 14.
create macro macro.packed(answer, item) as
    case when answer between 0 and 14 then (answer::bigint + 1) << (4 * ((item - 1) % 15)) end;

-- Which of a form's numbers holds an item, from 0.
create macro macro.pack_of(item) as divide(item - 1, 15);

-- The answer to an item; null where it's blank.
create macro macro.unpacked(packed, item) as nullif((packed >> (4 * ((item - 1) % 15))) & 15, 0) - 1
