"""The systems that Showup sends to: one folder per destination, which renders and sends notifications.

A destination takes a notification and returns an outcome. Nothing here knows the database: the notification carries all
that a destination needs to know about a meeting.
"""
