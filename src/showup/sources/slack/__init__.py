"""Slack button presses: the request's signature, and the answer that a press gives to a question."""
