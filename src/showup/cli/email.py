"""Implements `showup email preview`: shows the mails to attendees as Showup would send them now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from showup.cli import email_test
from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import run_command

if TYPE_CHECKING:
    from showup.container import Container
    from showup.destinations.contract import Notification
    from showup.destinations.email.destination import Mail
    from showup.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Preview the mails to attendees, and send a test mail.")
MailKind = Literal[
    "confirmation",
    "series",
    "rescheduled",
    "cancelled",
    "reschedule_request",
    "new_host",
    "new_place",
    "reminder",
    "no_show",
    "calendar_cleanup",
]


app.command("test")(email_test.send_test)


@app.command()
def preview(
    kind: Annotated[MailKind, typer.Argument(help="The kind of mail.")],
    booking: Annotated[
        UUID | None, typer.Option(help="Use this booking, by its id. Default: an example booking.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the mail to this file instead of printing it.")] = None,
    text: Annotated[
        bool, typer.Option("--text", help="Show the headers and the plain text instead of the HTML.")
    ] = False,
    templates: Annotated[
        Path | None, typer.Option(help="A folder of templates. Default: the one in showup.toml.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the whole mail as JSON, with its .ics.")] = False,
) -> None:
    """Preview the mail to a booking's booker in HTML, without sending it.

    Without --booking, the mail is for an example booking in the workspace `default`, and no database is needed.

    Example: showup email preview reminder --templates templates --out reminder.html
    """
    mail = _load_mail(kind, booking, templates)
    if json:
        print_json(mail)
        return
    output = _format_text(mail) if text else mail.html
    if out is None:
        print(output)
        return
    try:
        out.write_text(output, encoding="utf-8")
    except OSError as fault:
        raise CliError(f"{out} can't be written: {fault.strerror}.") from None
    print(f"Wrote {out}.")


def _load_mail(kind: str, booking: UUID | None, templates: Path | None) -> "Mail":
    from showup.access.workspace import DEFAULT
    from showup.destinations.email.templates import sample_notification
    from showup.settings import load

    if booking is None:
        return _render(sample_notification(kind, DEFAULT), load(), templates)
    settings, notification = run_command(lambda container: _load_notification(container, kind, booking))
    return _render(notification, settings, templates)


def _render(notification: "Notification", settings: "Settings", templates: Path | None) -> "Mail":
    from showup.clock import system_clock
    from showup.container import build_renderer
    from showup.destinations.contract import CannotRender

    if templates is not None:
        email = settings.policy.email.model_copy(update={"templates": templates})
        policy = settings.policy.model_copy(update={"email": email})
        settings = settings.model_copy(update={"policy": policy})
    try:
        # Without a configured sender, the mail can still be previewed.
        return build_renderer(settings, system_clock, for_sending=False).render(notification)
    except CannotRender as fault:
        raise CliError(str(fault)) from None


async def _load_notification(container: "Container", kind: str, booking_id: UUID) -> "tuple[Settings, Notification]":
    from showup.database.engine import driver_connection, transaction
    from showup.destinations.email.templates import sample_notification
    from showup.reads.booker import find_booker
    from showup.reads.meetings import load_meetings

    async with transaction(container.engine) as tx:
        booker_row = await find_booker(tx, booking_id)
        if booker_row is None:
            raise CliError(f"There is no booking {booking_id}, or it has no attendee with an email.")
        meeting_key = (booker_row.booking_id, booker_row.email)
        connection, api_url = await driver_connection(tx), container.settings.calcom_api_url
        meeting = (await load_meetings(connection, [meeting_key], calcom_api_url=api_url))[meeting_key]
    return container.settings, sample_notification(
        kind, booker_row.workspace, meeting, old_start_time=booker_row.old_start_time
    )


def _format_text(mail: "Mail") -> str:
    headers = {"From": mail.sender, "To": mail.to, "Reply-To": mail.reply_to, "Subject": mail.subject, **mail.headers}
    return "\n".join([*(f"{name}: {value}" for name, value in headers.items() if value), "", mail.text])
