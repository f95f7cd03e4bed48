"""Slack: notifies the team of bookings, faults and digests, and asks there which record matches (TE7)."""
