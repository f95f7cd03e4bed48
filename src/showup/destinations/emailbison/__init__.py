"""EmailBison: writes to each lead whether they booked, came or missed the meeting, and can stop their sequence (CA9)."""
