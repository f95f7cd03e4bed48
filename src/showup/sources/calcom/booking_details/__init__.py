"""Reads everything that a booking says, wherever Cal.com, its API or a relay puts it.

docs/CALCOM.md lists the places.
"""
