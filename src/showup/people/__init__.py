"""The people who book and attend, each one email address in one workspace.

`person.py` holds the frozen value and its pure rules, `store.py` the SQL; only the projector may use the store.
"""
