"""Compares bookings with Cal.com's API, and adds the missing events to the log.

A missing or different event enters the log as the webhook that Cal.com should have sent.
"""
