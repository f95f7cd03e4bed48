"""Outgoing webhooks: news as signed JSON, to whichever address somebody registered for it (TE8)."""
