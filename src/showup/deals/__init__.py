"""Sales opportunities, at most one active per company, moving through stages.

`deal.py` holds the frozen value and its pure rules, `store.py` the SQL; only the projector may use the store.
"""
