"""Asking Cal.com's API what we were not told: bookings are compared with what stands, and what is missing or different
enters the log as the webhook that should have come."""
