"""Reminders as text messages (SMS), through Twilio, to attendees who left a phone number."""
