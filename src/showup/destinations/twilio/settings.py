"""A Twilio connection's settings: the account, the sender, and the text of a reminder."""

import re

from showup.destinations.destination_kind import ConnectionSettings
from showup.destinations.placeholders import PlaceholderText, parse_placeholders
from showup.destinations.twilio.render import PLACEHOLDERS

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class TwilioSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a Twilio connection.

    `sender`: a number of yours such as +15005550006, a short code, a name, or a messaging service (MG…). `text`: the
    reminder, with placeholders such as {title}; None for the default text. `changes`: whether new times and
    cancellations are texted too.
    """

    account_sid: str = ""
    sender: str = ""
    text: str | None = None
    changes: bool = True

    def __post_init__(self) -> None:
        self.placeholder_text()

    def placeholder_text(self) -> PlaceholderText | None:
        """Returns the parsed text; None for the default text. Raises ValueError."""
        try:
            return None if self.text is None else parse_placeholders(self.text, PLACEHOLDERS)
        except ValueError as fault:
            raise ValueError(f"`text`: {fault}") from None

    @property
    def is_service(self) -> bool:
        """Returns whether a messaging service chooses the sender."""
        return _SERVICE.fullmatch(self.sender) is not None

    def check(self) -> None:
        """Raises ValueError for invalid settings."""
        if not _ACCOUNT.fullmatch(self.account_sid):
            raise ValueError("account_sid is not an Account SID: copy it from Twilio's console (AC and 32 digits)")
        if not self.is_service and not _SENDER.fullmatch(self.sender):
            raise ValueError(
                "sender is invalid: set a number such as +15005550006, a short code, a name of up to 11 letters, "
                "or the SID of a messaging service"
            )
