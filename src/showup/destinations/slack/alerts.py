"""Alerts that need a person: failed deliveries, unreachable destinations, and invalid signatures."""

from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import Notification
from showup.destinations.slack.blocks import context, moment, safe_text, section
from showup.destinations.slack.message import Message, Writer, destination_name


def _delivery_failed(notification: Notification) -> Message:
    details = notification.details
    place, kind = destination_name(str(details["destination"])), safe_text(str(details["kind"]))
    headline = f"A delivery to {place} failed ({kind})"
    advice = f"`showup deliveries retry {safe_text(str(details['delivery_id']))}` retries it."
    remark = "Showup does not report other failures of this destination for an hour."
    return _alert(headline, _reason(details), f"{advice} {remark}")


def _destination_down(notification: Notification) -> Message:
    details = notification.details
    since = moment(datetime.fromisoformat(details["since"]), notification.time_zone)
    return _alert(
        f"{_capital(destination_name(str(details['destination'])))} can't be reached",
        f"Since {since}: {_reason(details)}",
        "Showup sends the waiting deliveries when it works again.",
    )


def _endpoint_paused(notification: Notification) -> Message:
    details = notification.details
    name = str(details.get("url") or details.get("endpoint_id") or details.get("destination") or "")
    which = safe_text(name.removeprefix("webhook:"))
    advice = "Deliveries wait until someone resumes it (`paused`: false at /api/endpoints)."
    return _alert(f"The outgoing webhook {which} is paused", _reason(details), advice)


def _bad_signatures(notification: Notification) -> Message:
    account = safe_text(str(notification.details["account"]))
    return _alert(
        f"Many webhooks of {account} have a wrong signature",
        "Either someone sends forged webhooks, or the sender uses another secret.",
        "Compare the sender's secret with Showup's: `showup accounts list`, `showup connections list`.",
    )


WRITERS: Final[dict[str, Writer]] = {
    "delivery.failed": _delivery_failed,
    "destination.down": _destination_down,
    "endpoint.paused": _endpoint_paused,
    "signatures.bad": _bad_signatures,
}


def _alert(headline: str, because: str, advice: str) -> Message:
    blocks = [section(f":warning: *{headline}*\n{because}"), context(advice)]
    return Message(text=f"{headline}: {because}", blocks=blocks)


def _reason(details: dict[str, Any]) -> str:
    return safe_text(str(details.get("because") or "no reason is known"), 600)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
