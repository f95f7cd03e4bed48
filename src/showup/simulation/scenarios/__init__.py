"""Scenarios of a run: each plays a short sequence of events about bookings, in a context with a seeded generator."""
