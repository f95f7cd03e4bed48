"""What may happen in a run: each story is a small drama of bookings, played in a theatre with given dice."""
