"""EmailBison as a source: its webhooks, and what its API says of leads and replies."""
