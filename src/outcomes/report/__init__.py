"""A published snapshot and the settings in; the report out, as a page, a site, a PDF and letters. Reads released tables only."""

from outcomes.report.dress import Rendered, letters, quality_letter, render, write

__all__ = ["Rendered", "letters", "quality_letter", "render", "write"]
