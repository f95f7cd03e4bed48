"""A Twilio connection's settings: the account, the sender, and the text of a reminder."""

import re
from typing import Annotated, Final

from showup.destinations.destination_kind import ConnectionSettings, InvalidSetting
from showup.destinations.field_words import described
from showup.destinations.placeholders import PlaceholderText, parse_placeholders
from showup.destinations.twilio.render import PLACEHOLDERS

_PLACEHOLDERS: Final = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class TwilioSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a Twilio connection.

    `sender`: a number of yours such as +15005550006, a short code, a name, or a messaging service (MG…). `text`: the
    reminder, with placeholders such as {title}; None for the default text. `changes`: whether new times and
    cancellations are texted too.
    """

    account_sid: Annotated[
        str, described("Account SID", "In Twilio’s console: AC and 32 digits.", example="AC…", is_needed=True)
    ] = ""
    sender: Annotated[
        str,
        described(
            "Sender",
            "A number of yours, a short code, a name of up to 11 letters, or a messaging service (MG…).",
            example="+15005550006",
            is_needed=True,
        ),
    ] = ""
    changes: Annotated[bool, described("Text new times, cancellations and requests for another time too")] = True
    text: Annotated[
        str | None,
        described(
            "Text of a reminder",
            f"Empty: Showup’s own, in the attendee’s language. It may have {_PLACEHOLDERS}.",
            example="See you {day} at {time}. {link}",
        ),
    ] = None

    def __post_init__(self) -> None:
        self.placeholder_text()

    def placeholder_text(self) -> PlaceholderText | None:
        """Returns the parsed text; None for the default text. Raises ValueError."""
        try:
            return None if self.text is None else parse_placeholders(self.text, PLACEHOLDERS)
        except ValueError as fault:
            raise InvalidSetting(f"`text`: {fault}", "text") from None

    @property
    def is_service(self) -> bool:
        """Returns whether a messaging service chooses the sender."""
        return _SERVICE.fullmatch(self.sender) is not None

    def check(self) -> None:
        """Raises InvalidSetting for invalid settings."""
        if not _ACCOUNT.fullmatch(self.account_sid):
            because = "account_sid is not an Account SID: copy it from Twilio's console (AC and 32 digits)"
            raise InvalidSetting(because, "account_sid")
        if not self.is_service and not _SENDER.fullmatch(self.sender):
            raise InvalidSetting(
                "sender is invalid: set a number such as +15005550006, a short code, a name of up to 11 letters, "
                "or the SID of a messaging service",
                "sender",
            )
