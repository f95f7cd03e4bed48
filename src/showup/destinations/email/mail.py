"""A mail as it is stored and sent."""

from typing import Literal

from msgspec import Struct


class Mail(Struct, frozen=True, kw_only=True):
    """One mail to one recipient. Addresses are plain or `Name <address>`; `calendar` is an iCalendar text.

    `headers` are additional headers, such as List-Unsubscribe.
    """

    sender: str
    to: str
    subject: str
    html: str
    text: str
    reply_to: str | None = None
    calendar: str | None = None
    calendar_method: Literal["REQUEST", "CANCEL"] | None = None
    headers: dict[str, str] = {}
