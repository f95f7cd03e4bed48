"""PostgreSQL, and nothing above it: the engine, the tables, their migrations, and the server that comes along.

Rows and connections leave this room; no rule of the sales pipeline ever enters it.
"""
