"""The fields of a sender as people write them, in showup.toml and in the dashboard, with the checks of each."""

from typing import Literal

from pydantic import BaseModel

from showup.values.colour import HexColour
from showup.values.domain_name import DomainName
from showup.values.email_address import EmailAddress
from showup.values.text_line import TextLine
from showup.values.web_page import SecureAddress


class SenderFields(BaseModel):
    """What both have: for which meetings it is, and its brand without the logos.

    `host` is a booking page and `domain` an organizer's; a sender with neither is for all other meetings. `color` is a
    colour such as `#0b5d4e`: mails darken or lighten it where it could not be read. `language` is for attendees whose
    own isn't offered.
    """

    host: DomainName | None = None
    domain: DomainName | None = None
    name: TextLine | None = None
    color: HexColour | None = None
    privacy_url: SecureAddress | None = None
    reply_to: EmailAddress | None = None
    signature: TextLine | None = None
    language: Literal["en", "de", "fr", "es", "pt", "nl", "it"] | None = None
