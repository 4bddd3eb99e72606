-- Answers of a form in one number, so that items can be compared later without going through all answers again: four
-- bits for each item, one more than the answer, and zero where it's blank. A number holds fifteen items, and answers of
-- 0 to 14; `place` is what one counts where the item begins.
create macro macro.packed(answer, place) as case when answer between 0 and 14 then (answer + 1)::bigint * place end;

-- Where an item begins in its number: what one there counts.
create macro macro.place_of(item) as 1::bigint << (4 * ((item - 1) % 15));

-- Which of a form's numbers holds an item, from 0, and where in it the item begins.
create macro macro.pack_of(item) as divide(item - 1, 15);

create macro macro.shift_of(item) as 4 * ((item - 1) % 15);

-- The answer that begins there; -1 where it's blank, null where nothing of the number was answered.
create macro macro.unpacked(packed, shift) as ((packed >> shift) & 15)::tinyint - 1::tinyint
