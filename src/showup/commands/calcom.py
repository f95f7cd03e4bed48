"""`showup calcom`: what is asked of Cal.com itself."""

import typer

from showup.commands import calcom_backfill, calcom_registering

app = typer.Typer(no_args_is_help=True, help="Cal.com itself: its webhook, and what it knows that we don't.")
app.command()(calcom_registering.register)
app.command()(calcom_registering.status)
app.command()(calcom_backfill.backfill)
