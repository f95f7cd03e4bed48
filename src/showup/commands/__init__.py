"""What people and assistants do: each command is an event that is stored and projected in its own request.

It takes events and a permission; it returns the result or the refusal. All events of one unit of work commit, or none.
"""
