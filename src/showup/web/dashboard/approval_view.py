"""Changes that assistants asked for as cards: what would change, who asked, and what became of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.assistant import approvals_store
from showup.assistant.approval import Approval
from showup.assistant.approval_words import asked_by, record_of, title_of
from showup.assistant.planned_changes import CHANGES
from showup.assistant.shown_difference import ShownDifference, show
from showup.reads.keyset import PageCursor, PageRequest
from showup.reads.named_records import names_of_records
from showup.reads.record_timeline import RecordTimeline
from showup.web.dashboard.words import Viewer, clipped

_STATES: Final = {
    "pending": ("Expired", "quiet"),
    "done": ("Done", "good"),
    "denied": ("Denied", "quiet"),
    "expired": ("Expired", "quiet"),
    "outdated": ("Outdated: it would change nothing now", "quiet"),
    "refused": ("Refused by the rules", "bad"),
}


class ApprovalCard(Struct, frozen=True, kw_only=True):
    """A change. `left`: how long it still waits, None once it is decided; `badge` says what became of it, as a `tone`.

    `path` is the page of its record. `fault`: why the last decision about it was refused.
    """

    id: UUID
    title: str
    icon: str
    asked_by: str
    approval: Approval
    difference: ShownDifference
    left: str | None
    badge: str
    tone: str
    path: str | None
    digest: str
    is_reversible: bool
    fault: str | None = None


async def cards_of(
    tx: AsyncConnection,
    permission: Permission,
    viewer: Viewer,
    approvals: Sequence[Approval],
    faults: Mapping[UUID, str] | None = None,
) -> list[ApprovalCard]:
    """Return the approvals as cards, with the names of their records."""
    records = {one.id: record_of(one) for one in approvals}
    ids = {found[1] for found in records.values() if found is not None}
    names = await names_of_records(tx, permission, ids)
    return [_card(one, records[one.id], names, viewer, (faults or {}).get(one.id)) for one in approvals]


async def find_cards(
    tx: AsyncConnection,
    permission: Permission,
    viewer: Viewer,
    ids: Collection[UUID],
    faults: Mapping[UUID, str] | None = None,
) -> dict[UUID, ApprovalCard]:
    """Return the cards of approvals by their ids; invisible and deleted ones are missing."""
    found = await approvals_store.find_all(tx, permission, ids)
    return {one.id: one for one in await cards_of(tx, permission, viewer, found, faults)}


class ApprovalLists(Struct, frozen=True, kw_only=True):
    """The changes that wait, and one page of those that were decided; `next_cursor` leads to earlier ones."""

    pending: Sequence[ApprovalCard]
    decided: Sequence[ApprovalCard]
    next_cursor: PageCursor | None


async def list_cards(
    tx: AsyncConnection,
    permission: Permission,
    viewer: Viewer,
    page_request: PageRequest,
    faults: Mapping[UUID, str] | None = None,
) -> ApprovalLists:
    """Return what waits, latest first (on the first page only), and one page of the decided changes."""
    is_first = page_request.cursor is None
    waiting = await approvals_store.list_waiting(tx, permission, viewer.now) if is_first else []
    page = await approvals_store.list_approvals(tx, permission, [], page_request)
    listed = [Approval(**{name: one[name] for name in Approval.__struct_fields__}) for one in page.items]
    decided = [one for one in listed if not one.is_waiting(viewer.now)]
    cards = await cards_of(tx, permission, viewer, [*waiting, *decided], faults)
    return ApprovalLists(pending=cards[: len(waiting)], decided=cards[len(waiting) :], next_cursor=page.next_cursor)


async def undoable_approvals(tx: AsyncConnection, permission: Permission, timeline: RecordTimeline) -> dict[UUID, UUID]:
    """Return what assistants did in a timeline and the reader may undo: the change by its event."""
    if not permission.allows("write"):
        return {}
    return await approvals_store.find_undoable(
        tx, permission, {one.event_id for one in timeline.entries if one.is_of_assistant}
    )


def _card(
    approval: Approval,
    record: tuple[str, UUID] | None,
    names: Mapping[UUID, str],
    viewer: Viewer,
    fault: str | None,
) -> ApprovalCard:
    waits = approval.is_waiting(viewer.now)
    name = clipped(names.get(record[1], "")) if record else ""
    badge, tone = _STATES[approval.state]
    if approval.undone_at is not None:
        badge, tone = "Undone", "quiet"
    return ApprovalCard(
        id=approval.id,
        title=title_of(approval, name, is_question=waits),
        icon="pipeline" if approval.tool == "move_deal" else "booking",
        asked_by=asked_by(approval),
        approval=approval,
        difference=show(approval.difference),
        left=_left(approval, viewer) if waits else None,
        badge=badge,
        tone=tone,
        path=None if record is None or not name else f"{record[0]}/{record[1]}",
        digest=approval.digest,
        is_reversible=CHANGES[approval.tool].is_reversible,
        fault=fault,
    )


def _left(approval: Approval, viewer: Viewer) -> str:
    minutes = int((approval.expires_at - viewer.now).total_seconds() // 60)
    return f"{minutes // 60} h left" if minutes >= 60 else f"{max(minutes, 1)} min left"
