"""Events that people cause, through the API, a form, a button or the CLI: stored as JSON, read back as events.

The stored body holds everything that a replay needs. It takes an event, and returns bytes; or the reverse.
"""
