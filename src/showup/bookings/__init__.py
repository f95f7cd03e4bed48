"""Meetings that were booked at Cal.com, each with its attendees, its times and every uid it ever had.

`booking.py` holds the frozen values and their pure rules, `store.py` the SQL; only the projector may use the store.
"""
