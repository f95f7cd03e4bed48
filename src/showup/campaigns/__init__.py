"""Campaigns, their leads, and the matches between leads and bookings' attendees.

Imported rows come in; campaigns, leads and matches go out. Leads are written by imports, matches only by the projector.
"""
