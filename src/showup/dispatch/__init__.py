"""Sends due deliveries: claims them with a lease, asks the destination, and records the outcome of each attempt.

It takes rows of the outbox; what leaves is a call to a destination, and the row's new state.
"""
