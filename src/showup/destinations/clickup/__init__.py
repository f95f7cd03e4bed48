"""ClickUp as a destination: the attendee's task is found by email or name, or created, and follows the booking."""
