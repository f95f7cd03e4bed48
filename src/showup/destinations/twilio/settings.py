"""A Twilio connection's settings: the account, the sender, and the message template."""

import re
from typing import Final

from showup.destinations.destination_kind import ConnectionSettings

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9 ]{1,11}")

TEXT: Final = (
    "Reminder: {{ title }}{% if organizer %} with {{ organizer }}{% endif %}, {{ day }}, {{ time }} ({{ zone }})."
    "{% if link %} {{ link }}{% endif %}"
)
"""The default text of a reminder."""


class TwilioSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a Twilio connection.

    `sender`: a number of yours such as +15005550006, a short code, a name, or a messaging service (MG…). `text`: the
    message as a Jinja template.
    """

    account_sid: str = ""
    sender: str = ""
    text: str = TEXT

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
