"""Checks the addresses of a connection when they are set, over the API and on the command line (S06, S12)."""

from msgspec import Struct

from showup.connections.setup import ConnectionSpec
from showup.destinations.email.settings import SmtpServer
from showup.destinations.public_addresses import AddressPolicy

_API_URL = "api_url"
_SMTP = "smtp"


class AddressFault(Struct, frozen=True):
    """The field with an address that Showup may not call, such as `settings.api_url`, and the reason as a sentence."""

    field: str
    because: str


async def find_address_fault(policy: AddressPolicy, spec: ConnectionSpec) -> AddressFault | None:
    """Returns the first address that the policy refuses; None if all are allowed. Each call checks it again."""
    url = spec.settings.get(_API_URL)
    if isinstance(url, str) and (reason := await policy.refusal_reason(url)) is not None:
        return _fault(f"settings.{_API_URL}", reason)
    server = (spec.credentials or {}).get("url")
    if spec.kind != _SMTP or server is None:
        return None
    try:
        host = SmtpServer.from_url(server).host
    except ValueError as fault:
        return _fault("credentials.url", str(fault))
    reason = await policy.refusal_reason(f"https://{f'[{host}]' if ':' in host else host}")
    return None if reason is None else _fault("credentials.url", reason)


def _fault(field: str, reason: str) -> AddressFault:
    return AddressFault(field, f"{reason[0].upper()}{reason[1:]}.")
