"""Render the mail preview. A mail's content comes from outside, so this module escapes it."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from fastapi.responses import HTMLResponse

from showup.destinations.email.destination import Mail
from showup.reads.rows import Item
from showup.web.page import render_page

_LIST_TEMPLATE: Final = Template(files("showup.web").joinpath("mail_preview_list.html").read_text())
_MAIL_TEMPLATE: Final = Template(files("showup.web").joinpath("mail_preview_mail.html").read_text())
_ABOUT: Final = (
    "Mails that Showup stored and did not send: all mails while neither Resend nor SMTP is set up, and the mails of"
    " simulations and of the sample data. Newest first."
)
_NO_MAIL: Final = "<p>No mails yet. A booking of an upcoming meeting adds one.</p>"
_CALENDAR: Final = '<p><a href="{id}/invite.ics">Calendar file (.ics)</a></p>'


def render_mail_list(
    mails: Sequence[Item], cursor: str | None, *, is_first: bool, shows_workspace: bool
) -> HTMLResponse:
    """Render the list. `shows_workspace`: whether to show each mail's workspace; `cursor` links to older mails."""
    introduction = _ABOUT if is_first else "Older mails."
    older = f'<p><a href="mail?cursor={escape(cursor)}">Older mails</a></p>' if cursor else ""
    content = _render_items(mails, shows_workspace=shows_workspace) if mails else _NO_MAIL
    return render_page("Mail preview", _LIST_TEMPLATE.substitute(about=introduction, mails=content, older=older))


def render_mail(item: Item, mail: Mail) -> HTMLResponse:
    """Render one mail: its headers, its HTML in a frame, its text and its calendar file."""
    calendar = _CALENDAR.format(id=item["id"]) if mail.calendar else ""
    subject, text = escape(mail.subject), escape(mail.text)
    content = _MAIL_TEMPLATE.substitute(
        subject=subject, facts=_render_facts(item, mail), calendar=calendar, id=item["id"], text=text
    )
    return render_page(subject, content, has_frame=True, root_path="../")


def _render_items(mails: Sequence[Item], *, shows_workspace: bool) -> str:
    lines = "\n".join(_render_item(mail, shows_workspace=shows_workspace) for mail in mails)
    return f'<ul class="lines">\n{lines}\n</ul>'


def _render_item(mail: Item, *, shows_workspace: bool) -> str:
    subject, recipient = escape(mail["subject"] or "(no subject)"), escape(mail["recipient"] or "")
    workspace = [escape(mail["workspace"])] if shows_workspace else []
    details = " · ".join([recipient, _format_time(mail["stored_at"]), _render_kind(mail), *workspace])
    link = f'<a href="mail/{mail["id"]}">{subject}</a>'
    return f'<li>{link}<br><span class="soft">{details}</span>{_render_tag(mail)}</li>'


def _render_facts(item: Item, mail: Mail) -> str:
    facts = {
        "From": mail.sender,
        "To": mail.to,
        "Reply-To": mail.reply_to,
        **mail.headers,
        "Stored": _format_time(item["stored_at"]),
    }
    lines = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value]
    lines.append(f"<dt>Kind</dt><dd>{_render_kind(item)}{_render_tag(item)}</dd>")
    return "\n".join(lines)


def _render_kind(mail: Item) -> str:
    return escape(mail["kind"].replace("_", " "))


def _render_tag(mail: Item) -> str:
    return ' <span class="tag">simulated</span>' if mail["simulated"] else ""


def _format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
