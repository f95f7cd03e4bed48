"""Reminders as flow runs of a Prefect deployment, one for each reminder of a meeting (TE13)."""
