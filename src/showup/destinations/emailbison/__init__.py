"""EmailBison: notes with each lead whether they booked, came or missed the meeting, and can stop its sequence (CA9)."""
