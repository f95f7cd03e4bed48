"""How the pages of operations name other systems. Pure."""

from typing import Final
from urllib.parse import urlsplit

_NAMES: Final = {
    "email": "Mail",
    "mail_preview": "Mail preview",
    "calcom": "Cal.com",
    "clickup": "ClickUp",
    "emailbison": "EmailBison",
    "notion": "Notion",
    "resend": "Resend",
    "prefect": "Prefect",
    "slack": "Slack",
    "smtp": "SMTP",
    "twilio": "Twilio",
}


def system_name(name: str, address: str | None = None) -> str:
    """Return the name of a destination or a kind of connection; an outgoing webhook is named by its host."""
    if name.startswith("webhook"):
        host = urlsplit(address or "").hostname
        return f"Webhook to {host}" if host else "Outgoing webhook"
    return _NAMES.get(name, name.capitalize())
