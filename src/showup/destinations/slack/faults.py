"""What somebody has to look after: failed deliveries, destinations that are down, signatures that are wrong."""

from datetime import datetime
from typing import Any, Final

from showup.destinations.contract import Notice
from showup.destinations.slack.blocks import moment, said, section, small
from showup.destinations.slack.message import Message, Writer, named


def _failed(notice: Notice) -> Message:
    details = notice.details
    place, kind = named(str(details["destination"])), said(str(details["kind"]))
    headline = f"A delivery to {place} failed ({kind})"
    todo = f"`showup deliveries retry {said(str(details['delivery_id']))}` tries it again."
    remark = "Others to the same destination that fail within this hour are not told one by one."
    return _fault(headline, _because(details), f"{todo} {remark}")


def _down(notice: Notice) -> Message:
    details = notice.details
    since = moment(datetime.fromisoformat(details["since"]), notice.time_zone)
    return _fault(
        f"{_capital(named(str(details['destination'])))} can't be told anything",
        f"Since {since}: {_because(details)}",
        "What is due waits, and is told when it works again.",
    )


def _paused(notice: Notice) -> Message:
    details = notice.details
    named = str(details.get("url") or details.get("endpoint_id") or details.get("destination") or "")
    which = said(named.removeprefix("webhook:"))
    todo = "What is due waits until somebody lets it go on (`paused`: false at /api/endpoints)."
    return _fault(f"The outgoing webhook {which} is paused", _because(details), todo)


def _signatures(notice: Notice) -> Message:
    account = said(str(notice.details["account"]))
    return _fault(
        f"Many webhooks of {account} have a wrong signature",
        "Somebody tries to get in, or the other side signs with another secret.",
        "Compare the secret there with the one here: `showup accounts list`, `showup connections list`.",
    )


WRITERS: Final[dict[str, Writer]] = {
    "delivery.failed": _failed,
    "destination.down": _down,
    "endpoint.paused": _paused,
    "signatures.bad": _signatures,
}


def _fault(headline: str, because: str, todo: str) -> Message:
    blocks = [section(f":warning: *{headline}*\n{because}"), small(todo)]
    return Message(text=f"{headline}: {because}", blocks=blocks)


def _because(details: dict[str, Any]) -> str:
    return said(str(details.get("because") or "nobody said why"), 600)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
