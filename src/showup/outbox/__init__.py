"""The outbox: one row for each delivery, written in the transaction that planned it.

It takes planned deliveries and notifications; it writes rows, and wakes the dispatcher. It sends nothing.
"""
