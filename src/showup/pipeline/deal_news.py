"""What a line of a deal is to those who listen: which kinds of news, and the deal as it stood then. Pure."""

from datetime import UTC
from typing import Any, Final

from showup.deals.deal import Deal
from showup.effects import DealAnnouncement
from showup.pipeline.story import Line

_OF_STATUS: Final[dict[str, DealAnnouncement]] = {
    "active": "deal.reopened",
    "won": "deal.won",
    "lost": "deal.lost",
    "cancelled": "deal.cancelled",
}
_OF_FIELD: Final[dict[str, DealAnnouncement]] = {
    "stage": "deal.stage_changed",
    "owner_email": "deal.reassigned",
    "amount": "deal.changed",
    "currency": "deal.changed",
}
_SHOWN: Final = ("status", "stage", "owner_email", "currency", "lost_reason")


def kinds(line: Line) -> list[DealAnnouncement]:
    """What the line tells, each kind once; a line that changes nothing of a deal tells nothing."""
    if line.what == "deal.opened":
        return ["deal.created"]
    found: list[DealAnnouncement] = []
    if "status" in line.change:
        found.append(_OF_STATUS[line.change["status"][1]])
    found += [kind for field, kind in _OF_FIELD.items() if field in line.change]
    return list(dict.fromkeys(found))


def details(line: Line, deal: Deal, company: dict[str, Any]) -> dict[str, Any]:
    """The deal as the line left it, with what it changed (`[before, after]` by field), why, and by whom."""
    return {
        "deal": {
            "id": str(deal.id),
            **{name: getattr(deal, name) for name in _SHOWN},
            "amount": None if deal.amount is None else float(deal.amount),
            "company": company,
            # What is told later may have happened before: by this its readers see which of two is the newer.
            "updated_at": deal.updated_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        },
        "change": line.change,
        "because": line.because,
        "by": line.actor,
    }
