"""Compares the name and company of an attendee with those of leads, for attendees whose address finds no lead. Pure."""
