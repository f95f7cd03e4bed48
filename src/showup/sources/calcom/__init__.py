"""Cal.com: its signatures, the formats of its webhooks, and the meaning of each."""
