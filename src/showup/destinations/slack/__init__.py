"""Slack: the team hears of bookings, faults and digests, and decides there which record is meant (TE7)."""
