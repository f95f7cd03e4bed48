"""Sales opportunities, at most one active per company, moving through stages.

`deal.py` holds the frozen value and its pure rules, `store.py` the SQL; only `pipeline.advance` may use the store.
"""
