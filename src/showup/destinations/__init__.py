"""Whoever we tell: one folder a destination, each of which turns a notice into its own words and sends them.

Notices come in, outcomes go out. Nothing here knows the database; what a destination needs to know of a meeting
comes with the notice.
"""
