"""Cal.com: how it signs, how its webhooks are shaped in all their dialects, and what each of them means."""
