"""The form of a sender: its fields, and what is wrong with what was entered. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, ValidationError

from showup.destinations.email.sender_fields import SenderFields
from showup.destinations.email.settings import SenderRule
from showup.values.email_address import EmailAddress
from showup.values.text_line import TextLine
from showup.values.web_page import SecureAddress
from showup.web.http.validation_errors import describe_errors

LABELS: Final = {
    "address": "Address",
    "name": "Brand",
    "host": "Booking page",
    "domain": "Organizers at",
    "reply_to": "Replies to",
    "logo": "Logo",
    "logo_dark": "Logo in dark mode",
    "color": "Colour",
    "postal_address": "Postal address",
    "privacy_url": "Privacy page",
    "signature": "Signature",
    "language": "Language",
}
LANGUAGES: Final = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "nl": "Nederlands",
    "it": "Italiano",
}


class _SenderForm(SenderFields):
    model_config = ConfigDict(hide_input_in_errors=True)

    address: EmailAddress
    logo: SecureAddress | None = None
    logo_dark: SecureAddress | None = None
    postal_address: TextLine | None = None


def parse_sender(form: Mapping[str, str]) -> tuple[SenderRule | None, dict[str, str]]:
    """Return the sender of a form, or what is wrong by field. An empty field has no value.

    `for`: `host` or `domain` say for which meetings it is; anything else, for all others.
    """
    values: dict[str, Any] = {name: form[name] for name in LABELS if form.get(name)}
    for name in ("host", "domain"):
        if form.get("for") != name:
            values.pop(name, None)
        elif name not in values:
            return None, {name: "Enter a domain, such as book.example.com." if name == "host" else "Enter a domain."}
    if "address" not in values:
        return None, {"address": "Enter the address that mail comes from, such as hello@example.com."}
    try:
        found = _SenderForm.model_validate(values)
    except ValidationError as error:
        faults = describe_errors([{**one, "loc": ("body", *one["loc"])} for one in error.errors()], None)
        return None, {fault["field"]: fault["detail"] for fault in faults}
    return SenderRule(**found.model_dump()), {}


def form_values(rule: SenderRule) -> dict[str, str]:
    """Return the fields of a form that shows this sender."""
    values = {name: getattr(rule, name) or "" for name in LABELS}
    return values | {"for": "host" if rule.host else "domain" if rule.domain else "all"}


def meetings_of(rule: SenderRule) -> str:
    """Return for which meetings the sender is, in words."""
    if rule.host and rule.domain:
        return f"booked on {rule.host}, or with organizers at {rule.domain}"
    if rule.host:
        return f"booked on {rule.host}"
    return f"with organizers at {rule.domain}" if rule.domain else "all meetings without a sender of their own"
