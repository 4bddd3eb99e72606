-- Which rules did the exports break most often, and what does each ask for?
-- Counts are rows of export files, not patients.
select code, severity, table_name, column_name, violated, checked, violation_rate, message
from published.quality
where kind = 'rule' and violated > 0
order by violated desc, code
limit 20
