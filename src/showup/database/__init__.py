"""PostgreSQL access: the engine, the tables, their migrations, and the embedded server.

This package provides rows and connections; it contains no rules of the sales pipeline.
"""
