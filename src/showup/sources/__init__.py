"""Whoever tells us something, one folder a teller; they do not know each other.

Their signed bytes enter, events in our own words leave, or the reason why there are none.
"""
