"""The companies people work for, each one registrable domain in one workspace.

`company.py` and `domain.py` hold the value and the pure rules, `store.py` the SQL; only the projector may use the
store.
"""
