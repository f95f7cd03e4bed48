"""The connections to other systems: the kinds that exist, their settings and credentials, and webhook endpoints.

It takes settings from the environment or a person; it stores them, and subscribes the destination to what they ask for.
"""
