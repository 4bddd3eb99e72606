-- Which names this release uses: one row with the version of its tables, columns and macros, and its as-of date.
-- Within a version names are only added. A program that reads a release should look here first; published.setting says
-- what the release was asked.
select
    release_format.format_version,  -- Version of the names of tables, columns and macros.
    setting.as_of,  -- Date that the figures stand for.
    release_format.about  -- What a version promises.
from ref.setting
cross join ref.release_format
qualify release_format.format_version = max(release_format.format_version) over ()
