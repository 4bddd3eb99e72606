"""Where the files that define things stand: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def folder(name: str) -> Path:
    """The folder `sql`, `expectations`, `instruments`, `profiles` or `flows`."""
    inside = _PACKAGE / "resources" / name
    return inside if inside.is_dir() else _CHECKOUT / name
