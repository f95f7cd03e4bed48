"""The embedded PostgreSQL: one server per data folder, reached over a private socket.

The first Showup process that needs it starts it, and the last one stops it. The input is a folder; the result is a DSN.
"""
