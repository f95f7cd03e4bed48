"""Facts about meetings and deals in narrow tables, and their counts by week: what the analysis is computed from (CA8).

The projector saves the facts in its transaction. Counts by week make the analysis fast: a periodic task counts a week
again after its facts changed, and until then, the analysis counts that week's facts itself. docs/ANALYSIS.md says how.
"""
