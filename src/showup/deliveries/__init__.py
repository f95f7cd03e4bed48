"""What is to be told to the outside, one row an effect, with its due time and what became of it.

Effects enter in the transaction that caused them; this room knows no person, booking or deal but by id.
"""
