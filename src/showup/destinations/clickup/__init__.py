"""ClickUp as a destination: the task of whoever booked is found by email or name, or made, and follows the booking."""
