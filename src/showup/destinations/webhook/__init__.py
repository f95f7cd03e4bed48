"""Outgoing webhooks: events as signed JSON, sent to registered addresses (TE8)."""
