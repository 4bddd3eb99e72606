"""From a ketamine clinic's exports to response and remission figures that can be trusted."""

__version__ = "0.1.0"
