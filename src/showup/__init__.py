"""Showup turns Cal.com bookings into a sales pipeline. This is the path of one booking.

The webhook endpoint (`web`) receives a webhook, and `inbox` stores its bytes as an inbox event before anything
interprets them. `sources` translates it into Showup's own events. `pipeline.decide` decides, only from current data,
how the person, the company, the booking and the deal change. `projector` saves the decision, its audit log entries and
its planned deliveries in one transaction. `dispatch` then sends each delivery, and retries it until it
has an outcome. `reads` answers queries about current data. Dependencies run in one direction.
"""
