"""Notion: writes the booking status to the contact's page, and sent reminders to the page in the email sequence."""
