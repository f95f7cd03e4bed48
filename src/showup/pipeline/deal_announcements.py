"""Turn a deal's audit entry into announcements: their kinds, and the deal as of that entry. Pure."""

from datetime import UTC
from typing import Any, Final

from showup.deals.deal import Deal
from showup.events.kinds import DealAnnouncementKind
from showup.pipeline.replay import AuditEntry

_STATUS_KINDS: Final[dict[str, DealAnnouncementKind]] = {
    "active": "deal.reopened",
    "won": "deal.won",
    "lost": "deal.lost",
    "cancelled": "deal.cancelled",
}
_FIELD_KINDS: Final[dict[str, DealAnnouncementKind]] = {
    "stage": "deal.stage_changed",
    "owner_email": "deal.reassigned",
    "amount": "deal.changed",
    "currency": "deal.changed",
}
_DEAL_FIELDS: Final = ("status", "stage", "owner_email", "currency", "lost_reason")


def announcement_kinds(entry: AuditEntry) -> list[DealAnnouncementKind]:
    """Return the announcement kinds of the entry, each once; none if the entry does not change the deal."""
    if entry.what == "deal.opened":
        return ["deal.created"]
    found_kinds: list[DealAnnouncementKind] = []
    if "status" in entry.change:
        found_kinds.append(_STATUS_KINDS[entry.change["status"][1]])
    found_kinds += [kind for field, kind in _FIELD_KINDS.items() if field in entry.change]
    return list(dict.fromkeys(found_kinds))


def announcement_details(entry: AuditEntry, deal: Deal, company: dict[str, Any]) -> dict[str, Any]:
    """Return the deal as of the entry, with its changes (`[before, after]` by field), the reason and the actor."""
    return {
        "deal": {
            "id": str(deal.id),
            **{name: getattr(deal, name) for name in _DEAL_FIELDS},
            "amount": None if deal.amount is None else float(deal.amount),
            "company": company,
            # Deliveries may arrive out of order; receivers use this value to see which of two is newer.
            "updated_at": deal.updated_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        },
        "change": entry.change,
        "because": entry.because,
        "by": entry.actor,
    }
