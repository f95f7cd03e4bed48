"""Implements `showup email preview`: shows the mails to attendees as Showup would send them now."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

import typer
from msgspec.structs import replace

from showup.cli import email_test
from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import run_command
from showup.values.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from showup.container import Container
    from showup.destinations.contract import Notification
    from showup.destinations.email.destination import Mail
    from showup.destinations.email.render import TemplateMailRenderer
    from showup.destinations.email.settings import SenderRule
    from showup.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Preview the mails to attendees, and send a test mail.")


app.command("test")(email_test.send_test)


@app.command()
def preview(  # noqa: PLR0913, PLR0917 - one parameter for each option
    kind: Annotated[str, typer.Argument(help="The kind of mail, such as `confirmation` or `reminder_24h`.")],
    booking: Annotated[
        UUID | None, typer.Option(help="Use this booking, by its id. Default: an example booking.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the mail to this file instead of printing it.")] = None,
    sample: Annotated[str, typer.Option(help="The example booking: `--sample list` prints their names.")] = "video",
    language: Annotated[
        str | None, typer.Option(help="The attendee's language, such as `de`; `en-XA` for long test texts.")
    ] = None,
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
    mail = _load_mail(kind, _Choice(booking, sample, language), templates)
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


class _Choice(NamedTuple):
    """The booking of a preview: a real one by its id, or a sample by its name; with another language if one is set."""

    booking: UUID | None
    sample: str
    language: str | None


def _load_mail(kind: str, choice: _Choice, templates: Path | None) -> "Mail":
    from showup.access.workspace import DEFAULT
    from showup.destinations.email.samples import SAMPLES, sample_notification
    from showup.settings import load

    _check_kind(kind)
    if choice.booking is not None:
        booking = choice.booking
        settings, notification, senders = run_command(lambda container: _load_notification(container, kind, booking))
    elif choice.sample in SAMPLES:
        settings, notification, senders = load(), sample_notification(kind, DEFAULT, SAMPLES[choice.sample]), ()
    else:
        raise CliError(f"The example bookings are: {', '.join(SAMPLES)}.")
    if choice.language is not None:
        meeting = notification.require_meeting()
        meeting = replace(meeting, guest=replace(meeting.guest, locale=choice.language))
        notification = replace(notification, meeting=meeting)
    return _render(notification, settings, templates, senders)


def _check_kind(kind: str) -> None:
    from showup.destinations.email.letters.write import KINDS
    from showup.values.duration import parse_short_duration
    from showup.values.invalid_value import InvalidValue

    name, _, offset = kind.partition("reminder_")
    try:
        if offset:
            parse_short_duration(offset)
        elif name not in KINDS:
            raise CliError(f"There is no kind of mail {kind}: use one of {', '.join(KINDS)}, or reminder_24h.")
    except InvalidValue as fault:
        raise CliError(f"{kind}: the time after `reminder_` must be {fault}.") from None


@app.command()
def check(
    templates: Annotated[
        Path | None, typer.Option(help="A folder of templates. Default: the one in showup.toml.")
    ] = None,
    workspace: Annotated[str, typer.Option(help="The workspace's slug, which selects templates.")] = "default",
    json: Annotated[bool, typer.Option("--json", help="Print the number of mails and the errors as JSON.")] = False,
) -> None:
    """Render every kind of mail about twelve example bookings, and report the file and line of each error.

    Example: showup email check --templates templates
    """
    count, faults = _check_templates(templates, workspace)
    if json:
        print_json({"rendered": count, "errors": [{"error": one, "mail": where} for one, where in faults.items()]})
        raise typer.Exit(1 if faults else 0)
    if faults:
        raise CliError("\n".join(f"{fault} ({where})" for fault, where in faults.items()))
    print(f"Rendered {counted(count, 'mail')} without an error.")


def _check_templates(templates: Path | None, workspace: str) -> tuple[int, dict[str, str]]:
    """Returns how many mails could be rendered, and each error with the mail in which it was found first."""
    from showup.destinations.contract import CannotRender, NothingToSend
    from showup.destinations.email.letters.write import KINDS
    from showup.destinations.email.samples import SAMPLES, sample_notification, when_sent
    from showup.settings import load

    settings, count = load(), 0
    kinds = [kind for kind in KINDS if kind != "reminder"] + ["reminder_72h", "reminder_24h", "reminder_2h"]
    renderer = _build_renderer(settings, templates, when_sent(sample_notification("confirmation", workspace)))
    faults: dict[str, str] = {}
    for kind in kinds:
        for name, meeting in SAMPLES.items():
            try:
                renderer.render(sample_notification(kind, workspace, meeting))
                count += 1
            except NothingToSend:
                continue
            except CannotRender as fault:
                faults.setdefault(str(fault), f"{kind}, {name}")
    return count, faults


def _render(
    notification: "Notification", settings: "Settings", templates: Path | None, senders: "Sequence[SenderRule]"
) -> "Mail":
    from showup.destinations.contract import CannotRender, NothingToSend
    from showup.destinations.email.samples import when_sent

    try:
        renderer = _build_renderer(settings, templates, when_sent(notification))
        return renderer.with_senders(senders).render(notification)
    except NothingToSend as fault:
        raise CliError(_nothing_to_say(notification, str(fault))) from None
    except CannotRender as fault:
        raise CliError(str(fault)) from None


def _nothing_to_say(notification: "Notification", because: str) -> str:
    """Says why Showup doesn't send this mail, and what makes it send it."""
    slug = notification.require_meeting().event_type
    if notification.kind != "reminder" or not slug:
        return f"Showup does not send this mail: {because}."
    return (
        "Showup does not send this mail: so long before a meeting, a reminder says what to prepare, and the event "
        f"type {slug} has no agenda. Add one to showup.toml, and preview again:\n\n"
        f'  [event_types.{slug}]\n  prepare = ["What to bring"]\n'
        '  agenda = [{ text = "What you will talk about", minutes = 10 }]\n'
    )


def _build_renderer(settings: "Settings", templates: Path | None, now: datetime) -> "TemplateMailRenderer":
    from showup.container import build_renderer
    from showup.destinations.contract import CannotRender

    if templates is not None:
        email = settings.policy.email.model_copy(update={"templates": templates})
        policy = settings.policy.model_copy(update={"email": email})
        settings = settings.model_copy(update={"policy": policy})
    try:
        # Without a configured sender, the mail can still be previewed.
        return build_renderer(settings, lambda: now, for_sending=False)
    except CannotRender as fault:
        raise CliError(str(fault)) from None


async def _load_notification(
    container: "Container", kind: str, booking_id: UUID
) -> "tuple[Settings, Notification, Sequence[SenderRule]]":
    from showup.access import workspaces_store
    from showup.connections.senders_store import sender_rules
    from showup.database.engine import driver_connection, transaction
    from showup.destinations.email.samples import sample_notification
    from showup.reads.booker import find_booker
    from showup.reads.meetings import load_meetings

    async with transaction(container.engine) as tx:
        booker_row = await find_booker(tx, booking_id)
        if booker_row is None:
            raise CliError(f"There is no booking {booking_id}, or it has no attendee with an email.")
        meeting_key = (booker_row.booking_id, booker_row.email)
        connection, api_url = await driver_connection(tx), container.settings.calcom_api_url
        meeting = (await load_meetings(connection, [meeting_key], calcom_api_url=api_url))[meeting_key]
        workspace = await workspaces_store.find(tx, booker_row.workspace)
        senders = () if workspace is None else await sender_rules(tx, workspace.id)
    notification = sample_notification(kind, booker_row.workspace, meeting, old_start_time=booker_row.old_start_time)
    return container.settings, notification, senders


def _format_text(mail: "Mail") -> str:
    headers = {"From": mail.sender, "To": mail.to, "Reply-To": mail.reply_to, "Subject": mail.subject, **mail.headers}
    return "\n".join([*(f"{name}: {value}" for name, value in headers.items() if value), "", mail.text])
