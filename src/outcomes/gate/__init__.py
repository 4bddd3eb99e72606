"""The gate: tables that come out night after night without telling anybody's outcome. Pure functions on frames; no I/O.

**Setting.** A *population* (a measure and a window) is counted by several *breakdowns*, each of which puts everybody into one *level*.
Every night some people are new, some are corrected, some withdraw. What is printed of a level is a count of people and sums over them of
what is known of each: was measured, met the condition, a score. k is the smallest number of people that anything may be told of, c how
many of a batch must be on either side of a share (`ref.disclosure`: cms 11, opensafely 8, nhs 5; c is 2).

**Attacker.** Has every release that was ever printed, knows this code, and who was in the data in which night, in which level, and whose
record changed when; knows of nobody how they did.

**Rule.** Each night, in this order:

1. `names`: small levels of a breakdown go by one name.
2. `cohort.admit`: newcomers are counted only in batches that bring none or k newcomers to every level; others wait.
3. `cohort.ready`: a breakdown is not counted again while somebody left or changed in a level without k newcomers beside them.
4. The primary rule (`outcomes.disclosure`): no small cell in tonight's tables.
5. `holding.release`: a partition is printed fresh only if each unit and its total equals, or differs by k people who are neither all nor
   none from, everything printed of it before. Else it prints its last release again, as of that date.
6. `audit.audit`: partitions of tonight that prove something together with the ledger are refused, and 5 is done again.
7. What was printed goes into the ledger, in the transaction of the release.

In a night, `outcomes.batches` does 1 to 3: newcomers wait for k in the total, and each breakdown for k in each group that it prints. In
place of 6 stands `crossing`, which holds for all outcomes and sees pairs of breakdowns.

**Promised.** *By proof* (2, 3; `cohort`): from all that was ever printed of one breakdown, no sum over fewer than k people can be
computed. *By comparison* (5; `holding`): of any two prints of a unit, and of any two totals, the difference is over k people or more, of
whom c or more are on either side. *By exhaustion* (6; `audit`): all printed sets of a question together, whatever the breakdowns, do not
prove the outcome of anybody, nor the events of a group (or of up to four) of fewer than k people who are in the same sets, nor that all
or none of any group are events; exact in whole numbers, or refused. The three stand without each other, so that an error in one is not
yet a leak.

**Not promised.** (a) Against who knows some outcomes: with the outcomes of k - 1 of a batch of k, the last follows. k is how many it
takes. (b) Against guessing: that 9 of 11 met a condition makes it likely of each. c = 2 leaves a doubt, not an even chance. (c) Holds
tell a little: with c = 2, that no more than one of a batch is on one side, of nobody which. Only where two holds follow each other and
the next batch are all, or none, may the print after them prove that (of three batches of eleven with a chance of 6e-9, of six with 9e-5,
at a rate of 45 %; with c = 1 it is 3e-3 and 7e-2). A refusal of the audit depends on outcomes likewise. (d) Several questions of the same
people are audited one by one: that response follows from remission is not in the equations. (e) Sums of scores: proof 2 and 3 holds for
every sum, but 6 knows only that an outcome is 0 or 1. Means need k people and standard deviations 3 k (what is printed of them is up to
the tables). (f) A count of events between 1 and k - 1 can be told by a difference of two nights, over k people or more. (g) Who comes
back under another key that nobody knows to be theirs counts as a newcomer. (h) Two ledgers of the same data are not safe together: a lost
or older ledger means that nothing is printed.

`simulation` and `attack` try all this; `tests/gate` and `bench/gate.py` run them.
"""
