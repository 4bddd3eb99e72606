"""The dictionary and the CSV files of a snapshot in, `datapackage.json` out: every table and column as a Frictionless Table Schema.

What it follows: Data Package and Table Schema, specification version 1 (specs.frictionlessdata.io). `unit` and `parquet` are its own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from outcomes.workbook import Release

NAME: Final = "datapackage.json"
TYPES: Final = (("varchar", "string"), ("boolean", "boolean"), ("date", "date"), ("double", "number"), ("decimal", "number"))
WHOLE: Final = "integer"
MISSING: Final = (
    "An empty cell is missing: nobody was measured, or the column does not apply. Where is_suppressed is true, its empty numbers are "
    "hidden, which is not zero. A 0 is a true zero. Text that a spreadsheet would take for a formula begins with an apostrophe."
)


def package(dictionary: pl.DataFrame, files: Mapping[str, tuple[int, str, int]], release: Release, version: int | None) -> dict[str, Any]:
    """The package of the tables in `files`: bytes and SHA-256 of the CSV file, and its number of rows, by table."""
    return {
        "profile": "tabular-data-package",
        "name": "outcomes",
        "title": f"{release.clinic}: outcomes",
        "description": f"Summary figures as of {release.as_of}. Headline: profile {release.profile_id}, window {release.window_id}. "
        f"{release.hides}. {MISSING}",
        "version": str(version or ""),
        "created": f"{release.as_of}T00:00:00Z",
        "resources": [_resource(name, dictionary.filter(pl.col("table_name") == name), file) for name, file in files.items()],
    }


def _resource(name: str, dictionary: pl.DataFrame, file: tuple[int, str, int]) -> dict[str, Any]:
    size, digest, rows = file
    said = dictionary.filter(pl.col("kind") == "table")["meaning"].to_list()
    columns = dictionary.filter(pl.col("kind") == "column").sort("ordinal").rows(named=True)
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": f"csv/{name}.csv",
        "parquet": f"parquet/{name}.parquet",
        "description": said[0] if said else "",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": size,
        "hash": f"sha256:{digest}",
        "rows": rows,
        "dialect": {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": {"fields": [_field(column) for column in columns], "missingValues": [""]},
    }


def _field(column: Mapping[str, Any]) -> dict[str, Any]:
    kind = next((ours for theirs, ours in TYPES if column["type"].startswith(theirs)), WHOLE)
    unit = {"unit": column["unit"]} if column["unit"] else {}
    return {"name": column["column_name"], "type": kind, "description": column["meaning"], **unit}


def write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
