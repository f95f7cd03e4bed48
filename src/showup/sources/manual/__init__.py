"""Commands of people, from the API, a form or the CLI: JSON that names things by keys which survive any rebuild.

It takes a command's stored bytes, and returns events of a booking's history, and other manual events.
"""
