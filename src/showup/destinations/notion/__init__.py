"""Notion: the contact's page says how a booking stands, the page in the email sequence which reminders went out."""
