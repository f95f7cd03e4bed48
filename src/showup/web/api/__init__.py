"""The REST API, one file a noun; each route asks `reads` or the inbox and shapes the answer."""
