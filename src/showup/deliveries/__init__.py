"""Deliveries: one row per effect on an outside system, with its due time and its outcome.

Effects are written in the transaction that caused them. This package knows people, bookings and deals only by id.
"""
