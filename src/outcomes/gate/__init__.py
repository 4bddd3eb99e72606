"""The gate: tables that come out night after night without telling anybody's outcome. Pure functions on frames; no I/O.

`names` pools small levels, `cohort` says who is counted tonight, `holding` compares what would be printed with all that was, and `audit`
asks a linear programme what all of it tells together. Each says in its docstring what is true of what it lets through.
"""
