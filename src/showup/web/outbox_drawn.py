"""How the outbox is drawn. Everything that a mail says came from outside, so it is escaped here."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from fastapi.responses import HTMLResponse

from showup.destinations.email.mail import Mail
from showup.reads.rows import Found
from showup.web.page import page

_LIST: Final = Template(files("showup.web").joinpath("outbox_list.html").read_text())
_MAIL: Final = Template(files("showup.web").joinpath("outbox_mail.html").read_text())
_ABOUT: Final = (
    "Mails that were kept here instead of sent: those of a Showup that has neither Resend nor SMTP, and all that a"
    " simulation or the sample data called for. The newest comes first."
)
_NOTHING: Final = "<p>There is no mail here yet. A booking whose meeting is ahead brings one.</p>"
_CALENDAR: Final = '<p><a href="{id}/invite.ics">Calendar file (.ics)</a></p>'


def draw_list(mails: Sequence[Found], cursor: str | None, *, is_first: bool, names: bool) -> HTMLResponse:
    """`names`: whether each mail's workspace is named; `cursor` leads to the older ones."""
    about = _ABOUT if is_first else "Older mails."
    older = f'<p><a href="outbox?cursor={escape(cursor)}">Older mails</a></p>' if cursor else ""
    drawn = _lines(mails, names=names) if mails else _NOTHING
    return page("Outbox", _LIST.substitute(about=about, mails=drawn, older=older))


def draw_mail(found: Found, mail: Mail) -> HTMLResponse:
    """One mail: its headers, how it looks in a frame of its own, its text, its calendar file."""
    calendar = _CALENDAR.format(id=found["id"]) if mail.calendar else ""
    subject, text = escape(mail.subject), escape(mail.text)
    drawn = _MAIL.substitute(subject=subject, facts=_facts(found, mail), calendar=calendar, id=found["id"], text=text)
    return page(subject, drawn, has_frame=True, up="../")


def _lines(mails: Sequence[Found], *, names: bool) -> str:
    lines = "\n".join(_line(mail, names=names) for mail in mails)
    return f'<ul class="lines">\n{lines}\n</ul>'


def _line(mail: Found, *, names: bool) -> str:
    subject, recipient = escape(mail["subject"] or "(no subject)"), escape(mail["recipient"] or "")
    workspace = [escape(mail["workspace"])] if names else []
    said = " · ".join([recipient, _moment(mail["delivered_at"]), _kind(mail), *workspace])
    return f'<li><a href="outbox/{mail["id"]}">{subject}</a><br><span class="soft">{said}</span>{_tag(mail)}</li>'


def _facts(found: Found, mail: Mail) -> str:
    said = {
        "From": mail.sender,
        "To": mail.to,
        "Reply-To": mail.reply_to,
        **mail.headers,
        "Kept": _moment(found["delivered_at"]),
    }
    lines = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in said.items() if value]
    lines.append(f"<dt>Kind</dt><dd>{_kind(found)}{_tag(found)}</dd>")
    return "\n".join(lines)


def _kind(mail: Found) -> str:
    return escape(mail["kind"].replace("_", " "))


def _tag(mail: Found) -> str:
    return ' <span class="tag">simulated</span>' if mail["simulated"] else ""


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
