"""`showup email`: the mails to attendees, as they would be sent now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from showup.commands.inside import inside
from showup.commands.printing import as_json
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.assembly import House
    from showup.destinations.contract import Notice
    from showup.destinations.email.mail import Mail
    from showup.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The mails to attendees.")
Kind = Literal["confirm", "tell_rescheduled", "tell_cancelled", "tell_new_place", "remind", "follow_up"]


# With its only command a group would be that command.
@app.callback()
def _group() -> None:
    pass


@app.command()
def preview(
    kind: Annotated[Kind, typer.Argument(help="What the mail tells.")],
    booking: Annotated[
        UUID | None, typer.Option(help="Of this booking as it stands (else of an invented one).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
    text: Annotated[bool, typer.Option("--text", help="The headers and the text, instead of the HTML.")] = False,
    templates: Annotated[Path | None, typer.Option(help="A folder of templates (else that of showup.toml).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the whole mail as JSON, with its .ics.")] = False,
) -> None:
    """Show the mail to a booking's booker, in HTML; nothing is sent.

    Without a booking it is an invented one of the workspace `default`, and no database is needed.

    Example: showup email preview remind --templates templates --out remind.html
    """
    mail = _mail(kind, booking, templates)
    if json:
        as_json(mail)
        return
    shown = _as_text(mail) if text else mail.html
    if out is None:
        print(shown)
        return
    try:
        out.write_text(shown, encoding="utf-8")
    except OSError as fault:
        raise Refused(f"{out} can't be written: {fault.strerror}.") from None
    print(f"Wrote {out}.")


def _mail(kind: str, booking: UUID | None, templates: Path | None) -> "Mail":
    from showup.access.workspace import DEFAULT
    from showup.destinations.email.sample import sample_notice
    from showup.settings import load

    if booking is None:
        return _rendered(sample_notice(kind, DEFAULT), load(), templates)
    settings, notice = inside(lambda house: _stands(house, kind, booking))
    return _rendered(notice, settings, templates)


def _rendered(notice: "Notice", settings: "Settings", templates: Path | None) -> "Mail":
    from showup.assembly import renderer_of
    from showup.clock import system_clock
    from showup.destinations.contract import CannotRender

    if templates is not None:
        email = settings.policy.email.model_copy(update={"templates": templates})
        policy = settings.policy.model_copy(update={"email": email})
        settings = settings.model_copy(update={"policy": policy})
    try:
        # Without a sender it can still be looked at.
        return renderer_of(settings, system_clock, leaving=False).render(notice)
    except CannotRender as fault:
        raise Refused(str(fault)) from None


async def _stands(house: "House", kind: str, booking_id: UUID) -> "tuple[Settings, Notice]":
    from showup.database.engine import raw, transaction
    from showup.destinations.email.sample import sample_notice
    from showup.reads.booker import booker
    from showup.reads.meetings import current

    async with transaction(house.engine) as tx:
        whom = await booker(tx, booking_id)
        if whom is None:
            raise Refused(f"There is no booking {booking_id}, or it has no attendee with an email.")
        asked = (whom.booking_id, whom.email)
        meeting = (await current(await raw(tx), [asked]))[asked]
    return house.settings, sample_notice(kind, whom.workspace, meeting, old_start_time=whom.old_start_time)


def _as_text(mail: "Mail") -> str:
    said = {"From": mail.sender, "To": mail.to, "Reply-To": mail.reply_to, "Subject": mail.subject, **mail.headers}
    return "\n".join([*(f"{name}: {value}" for name, value in said.items() if value), "", mail.text])
