"""Implements `showup calcom`: the commands that call Cal.com's API."""

import typer

from showup.cli import calcom_backfill, calcom_webhook

app = typer.Typer(no_args_is_help=True, help="Manage the webhook at Cal.com and import past bookings.")
app.command()(calcom_webhook.register)
app.command()(calcom_webhook.status)
app.command()(calcom_backfill.backfill)
