-- Yes or no as the name of a level; no where nothing was recorded.
create macro macro.yes_no(truth) as case when truth then 'yes' else 'no' end
