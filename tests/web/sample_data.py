"""Sample data: a workspace `ours` with a short history, and a workspace `theirs`, which must not see any of it.

It is Thursday, 12 March 2026, 16:00 in UTC.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.keys import digest
from showup.campaigns.campaign import FIRST_OWN_ID
from showup.campaigns.funnel import LEVEL_BITS, SEAT_OUTCOMES
from showup.database import tables
from showup.database.engine import transaction

# The teammates: their workspace, and their role there.
TEAMMATES = {
    "admin": ("ours", "admin"),
    "member": ("ours", "member"),
    "read_only": ("ours", "read_only"),
    "stranger": ("theirs", "admin"),
}
NOW = datetime(2026, 3, 12, 16, tzinfo=UTC)
ADMIN_KEY = "an admin key from the environment"
KEYS = {
    "reader": ("ours", "read"),
    "writer": ("ours", "write"),
    "admin": ("ours", "admin"),
    "stranger": ("theirs", "admin"),
    "everywhere": (None, "admin"),
}
UNREADABLE_BODY = b"\xff\xfe not UTF-8"
HOSTILE_HTML = (
    '<!doctype html><html><head lang="en"><style>p { color: teal }</style></head><body onload="alert(1)">'
    '<p>Booked</p><script>alert(2)</script><img src="https://evil.example/seen.png"></body></html>'
)
_PREVIEWED = {"provider": "mail_preview", "recipient": "sarah.chen@acme.com"}
READABLE_BODY = json.dumps({"triggerEvent": "BOOKING_CREATED", "payload": {"title": "Grüße"}}).encode()


def id_of(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, name)


def key_of(name: str) -> str:
    return f"showup_{name}"


def session_of(name: str) -> str:
    return f"session-of-{name}"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class SampleData:
    """Collects rows; `id`s and references are derived from names."""

    def __init__(self) -> None:
        self.rows: list[tuple[Table, dict[str, Any]]] = []

    def add(self, table: Table, **row: Any) -> None:
        resolved = {key: id_of(value) if _is_reference(key, value) else value for key, value in row.items()}
        self.rows.append((table, resolved))

    async def insert_into(self, engine: AsyncEngine) -> None:
        async with transaction(engine) as tx:
            for table, row in self.rows:
                await tx.execute(insert(table).values(row))


def _is_reference(key: str, value: object) -> bool:
    reference_columns = {"id", "opened_by", "cancelled_by", "duplicate_of"}
    is_name = key in reference_columns or (key.endswith("_id") and not key.startswith("calcom_"))
    return is_name and isinstance(value, str)


def full_sample_data() -> SampleData:
    data = SampleData()
    add_workspaces_and_keys(data)
    add_teammates(data)
    _add_ours(data)
    _add_deliveries_and_events_of_ours(data)
    _add_theirs(data)
    return data


def add_workspaces_and_keys(data: SampleData) -> None:
    """Add the two workspaces, each with an account, and the API keys."""
    for workspace in ("ours", "theirs"):
        data.add(tables.workspaces, id=workspace, slug=workspace, name=workspace.title())
        account = {"id": f"{workspace}.account", "kind": "calcom", "name": f"{workspace}-calcom"}
        data.add(tables.connections, workspace_id=workspace, **account)
    for name, (workspace_of_key, scope) in KEYS.items():
        key = {"id": f"key.{name}", "name": name, "scope": scope, "digest": digest(key_of(name))}
        data.add(tables.api_keys, workspace_id=workspace_of_key, **key)


def add_teammates(data: SampleData) -> None:
    """Add the teammates, each with a session whose cookie is `session_of(name)`."""
    for name, (workspace, role) in TEAMMATES.items():
        teammate = {"email": f"{name}@{workspace}.example", "name": f"{name.title()} Teammate"}
        data.add(tables.teammates, id=f"teammate.{name}", created_at=utc("2026-03-01"), **teammate)
        data.add(
            tables.memberships,
            id=f"membership.{name}",
            teammate_id=f"teammate.{name}",
            workspace_id=workspace,
            role=role,
        )
        times = {"created_at": utc("2026-03-12"), "expires_at": utc("2026-12-12")}
        data.add(tables.sessions, digest=digest(session_of(name)), teammate_id=f"teammate.{name}", **times)


def _add_ours(data: SampleData) -> None:
    add_company(data, "ours", "acme", "Acme Corp", "acme.com", "2026-03-01")
    add_company(data, "ours", "globex", "Globex", "globex.co.uk", "2026-03-02")
    add_person(data, "ours", "sarah", "sarah.chen@acme.com", "Sarah Chen", "acme")
    add_person(data, "ours", "bob", "bob@acme.com", "Bob Ray", "acme")
    add_person(data, "ours", "gina", "gina@globex.co.uk", "Gina Gray", "globex")
    add_person(data, "ours", "pat", "pat@gmail.com", None, None)
    add_deal(data, "ours", "acme_deal", "acme", "active", "met", amount=12000.5, currency="USD")
    add_deal(data, "ours", "globex_lost", "globex", "cancelled", "booked", cancelled_by="ours.called_off")
    add_deal(data, "ours", "globex_deal", "globex", "active", "booked", position=1)
    add_booking(data, "ours", "intro", "2026-03-11T15:00", person_name="sarah", deal_name="acme_deal", showed=True)
    add_booking(data, "ours", "demo", "2026-03-20T15:00", person_name="sarah", deal_name="acme_deal")
    add_booking(
        data,
        "ours",
        "called_off",
        "2026-03-05T10:00",
        person_name="gina",
        deal_name="globex_lost",
        status="CANCELLED",
    )
    add_booking(data, "ours", "silent", "2026-03-10T10:00", person_name="gina", deal_name="globex_deal")
    add_booking(data, "ours", "missed", "2026-03-08T10:00", person_name="gina", deal_name="globex_deal", showed=False)
    add_booking(data, "ours", "stood_up", "2026-03-09T10:00", person_name="pat", host_absent=True)
    add_guest(data, "intro", "bob", showed=False)
    sender = {"address": "hello@ours.example", "updated_by": "teammate:admin@ours.example", "updated_at": NOW}
    data.add(tables.senders, id="ours.sender", workspace_id="ours", **sender)
    data.add(tables.booking_refs, workspace_id="ours", ref="uid:before-intro", booking_id="ours.intro")
    data.add(tables.booking_aliases, alias_id="ours.twin", booking_id="ours.intro", workspace_id="ours")


def _add_deliveries_and_events_of_ours(data: SampleData) -> None:
    add_delivery(data, "ours", "confirmed", "intro", "previewed", **_PREVIEWED, updated_at=utc("2026-03-01T09:00:02"))
    add_mail(data, "ours", "confirmed")
    add_queue(data, "ours", paused_until=NOW + timedelta(minutes=1), because="it does not respond", failing_since=NOW)
    add_delivery(data, "ours", "moved", "intro", "delivered", delivered_at=utc("2026-03-02T09:00:00"))
    add_delivery(data, "ours", "reminder", "demo", "scheduled", destination="slack")
    add_suppression(data, "ours", "bounced", "gina@globex.co.uk")
    number = {"phone": "+4915112345678", "created_at": utc("2026-03-01")}
    add_suppression(data, "ours", "unreachable", None, **number)
    add_suppression(data, "ours", "unsubscribed", "pat@gmail.com", scope="follow_up", created_at=utc("2026-03-03"))
    add_event(data, "ours", "made", READABLE_BODY, "applied", uid="uid-intro", booking_id="ours.intro")
    add_event(data, "ours", "garbled", UNREADABLE_BODY, "unreadable", because="no JSON", trigger=None)
    add_event(data, None, "unrouted", b"{}", "pending", trigger=None)
    add_merge(data, "ours")
    add_match(data, "ours")
    add_endpoint(data, "ours")
    add_conversation(data)
    add_approval(data, "ours")
    add_proposal(data)
    data.add(
        tables.merges,
        id="ours.merge.of_companies",
        workspace_id="ours",
        kind="companies",
        gone="domain:acme.co",
        stays="domain:acme.com",
        gone_id="ours.acme.co",
        actor="key:writer",
        at=utc("2026-03-02"),
    )
    # Numbers give the order of receipt, order keys the order in which the events happened.
    created_text = {"uid": [None, "uid-intro"], "title": ["", "Meeting intro"]}
    add_audit_entry(
        data, "ours", 3, "1", "booking.made", booking_id="ours.intro", company_id="ours.acme", change=created_text
    )
    add_audit_entry(data, "ours", 1, "2", "deal.opened", deal_id="ours.acme_deal", change={"status": [None, "active"]})
    add_audit_entry(data, "ours", 2, "3", "deal.moved", deal_id="ours.acme_deal", change={"stage": ["booked", "met"]})
    add_audit_entry(data, "ours", 4, "4", "booking.rescheduled", booking_id="ours.twin", change={"uid": ["a", "b"]})
    add_audit_entry(data, "ours", 5, "5", "person.named", person_id="ours.sarah", change={"name": [None, "Sarah"]})


def _add_theirs(data: SampleData) -> None:
    add_merge(data, "theirs")
    add_endpoint(data, "theirs")
    add_approval(data, "theirs")
    add_company(data, "theirs", "acme", "Acme Corp", "acme.com", "2026-03-01")
    add_person(data, "theirs", "sarah", "sarah.chen@acme.com", "Sarah Chen", "acme")
    add_deal(data, "theirs", "acme_deal", "acme", "active", "booked", amount=1, currency="EUR")
    add_booking(data, "theirs", "intro", "2026-03-11T15:00", person_name="sarah", deal_name="acme_deal")
    add_delivery(data, "theirs", "confirmed", "intro", "previewed", **_PREVIEWED, updated_at=NOW)
    add_mail(data, "theirs", "confirmed", subject="A mail of theirs")
    add_queue(data, "theirs")
    add_suppression(data, "theirs", "bounced", "gina@globex.co.uk")
    add_event(data, "theirs", "garbled", b"\xff", "unreadable", because="no JSON")
    add_match(data, "theirs")
    add_audit_entry(data, "theirs", 1, "1", "deal.opened", deal_id="theirs.acme_deal", company_id="theirs.acme")


def add_company(data: SampleData, workspace: str, key_name: str, name: str, domain: str, created_text: str) -> None:
    row = {"id": f"{workspace}.{key_name}", "workspace_id": workspace, "name": name, "domain": domain}
    data.add(
        tables.companies, key=f"domain:{domain}", **row, created_at=utc(created_text), updated_at=utc(created_text)
    )


def add_person(
    data: SampleData, workspace: str, person_key: str, email: str, name: str | None, company_name: str | None
) -> None:
    row: dict[str, Any] = {
        "id": f"{workspace}.{person_key}",
        "workspace_id": workspace,
        "email": email,
        "name": name,
    }
    row["company_id"] = f"{workspace}.{company_name}" if company_name else None
    data.add(tables.people, **row, created_at=utc("2026-03-01"), updated_at=utc("2026-03-01"))


def add_deal(
    data: SampleData, workspace: str, name: str, company_name: str, status: str, deal_stage: str, **overrides: Any
) -> None:
    row: dict[str, Any] = {
        "id": f"{workspace}.{name}",
        "workspace_id": workspace,
        "company_id": f"{workspace}.{company_name}",
        "status": status,
        "stage": deal_stage,
        "owner_email": "dana@brand.example",
        "opened_by": f"{workspace}.opener",
        "position": 0,
    }
    times = dict.fromkeys(("opened_at", "stage_entered_at", "created_at", "updated_at"), utc("2026-03-01"))
    # Three deals with the same time: only the id then shows where a page ends.
    data.add(tables.deals, **row | times | overrides)


def add_booking(
    data: SampleData,
    workspace: str,
    booking_key: str,
    start_text: str,
    *,
    person_name: str,
    deal_name: str | None = None,
    showed: bool | None = None,
    **overrides: Any,
) -> None:
    full_name, starts_at, email = f"{workspace}.{booking_key}", utc(start_text), EMAILS[person_name]
    uid = f"uid-{booking_key}" if workspace == "ours" else f"uid-{full_name}"
    attendance = {"attended": showed, "attendance_evidence": None if showed is None else "reported"}
    row: dict[str, Any] = {
        "id": full_name,
        "workspace_id": workspace,
        "account_id": f"{workspace}.account",
        "calcom_uid": uid,
        "calcom_booking_id": "7",
        "person_id": f"{workspace}.{person_name}",
        "company_id": f"{workspace}.{COMPANIES[person_name]}" if person_name in COMPANIES else None,
        "deal_id": f"{workspace}.{deal_name}" if deal_name else None,
        "title": f"Meeting {booking_key}",
        "start_time": starts_at,
        "end_time": starts_at + timedelta(minutes=30),
        "booked_at": utc("2026-03-01"),
        "status": "ACCEPTED",
        "organizer_email": "dana@brand.example",
        "uids": [{"uid": uid, "calcom_booking_id": "7", "start_time": "2026-03-11T15:00:00Z"}],
    }
    times = {"created_at": utc("2026-03-01"), "updated_at": utc("2026-03-01")}
    data.add(tables.bookings, **row | times | attendance | overrides)
    data.add(tables.booking_refs, workspace_id=workspace, ref=f"uid:{uid}", booking_id=full_name)
    seat = {"booking_id": full_name, "position": 0, "person_id": f"{workspace}.{person_name}", "email": email}
    data.add(tables.booking_attendees, **seat | attendance)


def add_guest(data: SampleData, name: str, person_name: str, *, showed: bool) -> None:
    seat = {"booking_id": f"ours.{name}", "position": 1, "person_id": f"ours.{person_name}"}
    attendance = {"attended": showed, "attendance_evidence": "assumed"}
    data.add(tables.booking_attendees, email=EMAILS[person_name], **seat, **attendance)


def add_delivery(data: SampleData, workspace: str, name: str, booking_name: str, state: str, **overrides: Any) -> None:
    row: dict[str, Any] = {
        "id": f"{workspace}.{name}",
        "workspace_id": workspace,
        "booking_id": f"{workspace}.{booking_name}",
        "event_id": f"{workspace}.made",
        "key": name,
        "destination": "email",
        "kind": "confirmation",
        "booking_version": 1,
        "state": state,
    }
    times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), utc("2026-03-01"))
    data.add(tables.deliveries, **row | times | overrides)


def add_mail(data: SampleData, workspace: str, name: str, **overrides: Any) -> None:
    content: dict[str, Any] = {
        "sender": "Brand <hello@brand.example>",
        "to": "sarah.chen@acme.com",
        "subject": "Booked: Intro & <b>more</b>",
        "html": HOSTILE_HTML,
        "text": "Booked <i>today</i>",
        "reply_to": "dana@brand.example",
        "calendar": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        "calendar_method": "REQUEST",
        "headers": {"List-Unsubscribe": "<https://brand.example/stop>"},
    }
    row = {"delivery_id": f"{workspace}.{name}", "content": content | overrides, "rendered_at": utc("2026-03-01")}
    data.add(tables.delivery_contents, **row)


def add_queue(data: SampleData, workspace: str, **overrides: Any) -> None:
    row = {"workspace_id": workspace, "destination": "email", "tokens": 1.0, "tokens_at": NOW}
    data.add(tables.destination_queues, **row, **overrides)


def add_suppression(data: SampleData, workspace: str, reason: str, email: str | None, **overrides: Any) -> None:
    row = {"id": f"{workspace}.{reason}", "workspace_id": workspace, "email": email, "reason": reason}
    data.add(
        tables.suppressions, **row | {"scope": "all", "because": reason, "created_at": utc("2026-03-02")} | overrides
    )


def add_approval(data: SampleData, workspace: str) -> None:
    difference = {"changes": [], "deliveries": [], "omitted": 0, "refused": None, "digest": "d1"}
    row = {"tool": "move_deal", "arguments": {"stage": "met"}, "difference": difference, "state": "pending"}
    times = {"created_at": utc("2026-03-12"), "expires_at": utc("2026-03-13")}
    owner = {"id": f"{workspace}.approval", "workspace_id": workspace, "requested_by": "key:writer"}
    data.add(tables.approvals, **row, **owner, **times)


def add_conversation(data: SampleData) -> None:
    owner = {"id": "ours.conversation", "workspace_id": "ours", "actor": "key:admin", "title": "When does Gina come?"}
    data.add(tables.conversations, **owner, created_at=utc("2026-03-12"), updated_at=utc("2026-03-12"))


def add_proposal(data: SampleData) -> None:
    row = {"id": "ours.proposal", "workspace_id": "ours", "booking_id": "ours.intro", "number": 1, "status": "ready"}
    items = [{"description": "Seats", "quantity": "8", "unit_price": "5100"}]
    content = {"title": "Offer for Gina", "scope": "", "items": items, "currency": "USD", "total": 40800}
    times = {"created_at": utc("2026-03-12"), "updated_at": utc("2026-03-12"), "ready_at": utc("2026-03-12")}
    data.add(tables.proposals, **row, **content, **times, version=1, created_by="key:writer")
    file = {"workspace_id": "ours", "version": 1, "pdf": b"%PDF-1.7", "picture": b"\x89PNG", "pages": 1}
    data.add(tables.proposal_files, proposal_id=id_of("ours.proposal"), made_at=utc("2026-03-12"), **file)


def add_endpoint(data: SampleData, workspace: str) -> None:
    row = {"id": f"{workspace}.endpoint", "workspace_id": workspace, "url": f"https://{workspace}.example/hook"}
    times = {"created_at": utc("2026-03-02"), "updated_at": utc("2026-03-02")}
    data.add(tables.endpoints, **row, kinds=["deal.won"], secrets=b"sealed", **times)


def add_event(data: SampleData, workspace: str | None, name: str, body: bytes, state: str, **overrides: Any) -> None:
    owner = workspace or "ours"
    row: dict[str, Any] = {
        "id": f"{owner}.{name}",
        "account_id": f"{owner}.account",
        "workspace_id": workspace,
        "received_at": utc("2026-03-01"),
        "digest": hashlib.sha256(name.encode()).digest(),
        "body": body,
        "state": state,
        "trigger": "BOOKING_CREATED",
    }
    data.add(tables.inbox_events, **row | overrides)


def add_merge(data: SampleData, workspace: str) -> None:
    row = {"id": f"{workspace}.merge", "workspace_id": workspace, "kind": "people", "actor": "key:writer"}
    merge_fields = {"gone": "s.chen@acme.com", "gone_id": f"{workspace}.s.chen", "stays": "sarah.chen@acme.com"}
    data.add(tables.merges, **row, **merge_fields, at=utc("2026-03-01"))


def add_match(data: SampleData, workspace: str) -> None:
    """Add a lead in a campaign, matched to the attendee of the booking `intro`."""
    campaign = {"workspace_id": workspace, "id": FIRST_OWN_ID, "source": "csv", "name": "Founders"}
    data.add(tables.campaigns, **campaign, created_at=utc("2026-03-01"))
    lead = {"id": f"{workspace}.lead", "workspace_id": workspace, "email": EMAILS["sarah"], "name": "Sarah Chen"}
    data.add(tables.leads, **lead, created_at=utc("2026-03-01"))
    member = {"workspace_id": workspace, "campaign_id": FIRST_OWN_ID, "lead_id": f"{workspace}.lead"}
    data.add(tables.campaign_leads, **member, sent=3, replied=True)
    match = {"id": f"{workspace}.match", "booking_id": f"{workspace}.intro", "event_id": f"{workspace}.made"}
    evidence = {"address": "it is the lead's address"}
    booking = {"ours": "ours.demo", "theirs": "theirs.intro"}[workspace]
    seat = {"booking_id": booking, "position": 9, "email": "p.at@gmail.com", "match_key": "pat@gmail.com"}
    seat["attendee_key"] = seat["email"]
    data.add(tables.booking_attendees, **seat)
    data.add(
        tables.matches,
        **member | match,
        attendee=EMAILS["sarah"],
        lead_email=EMAILS["sarah"],
        method="email",
        score=1.0,
        evidence=evidence,
        state="matched",
        actor="showup",
        at=utc("2026-03-01"),
    )
    # What the projector writes for that booking.
    outcome = {"ours": "showed_reported", "theirs": "open"}[workspace]
    start = utc("2026-03-11T15:00")
    data.add(
        tables.funnel_seats,
        id=match["id"],
        booking_id=match["booking_id"],
        workspace_id=workspace,
        lead_id=f"{workspace}.lead",
        person_id=f"{workspace}.lead",
        campaign_id=FIRST_OWN_ID,
        booked_at=utc("2026-03-01"),
        start_time=start,
        over_at=start + timedelta(minutes=30),
        outcome=SEAT_OUTCOMES[outcome],
        reported=outcome == "showed_reported",
        simulated=False,
        organizer_email="dana@brand.example",
    )
    is_held = True if outcome == "showed_reported" else None
    data.add(
        tables.funnel_people,
        workspace_id=workspace,
        person_id=f"{workspace}.lead",
        lead_id=f"{workspace}.lead",
        matched=True,
        simulated=False,
        levels=sum(set(LEVEL_BITS.values())),
        campaign_id=FIRST_OWN_ID,
        organizer_email="dana@brand.example",
        step=3,
        shared=False,
        booked_at=utc("2026-03-01"),
        start_time=start,
        over_at=start + timedelta(minutes=30),
        latest=SEAT_OUTCOMES[outcome],
        showed_at=start if is_held else None,
        is_held=is_held,
        report_at=start if is_held else None,
        report_over_at=start + timedelta(minutes=30) if is_held else None,
        outcome=SEAT_OUTCOMES[outcome],
        at=start,
        settled_at=start + timedelta(minutes=30),
    )


def add_audit_entry(
    data: SampleData, workspace: str, number: int, order_key: str, action: str, **overrides: Any
) -> None:
    entry = {"what": action, "because": "it was so", "actor": "showup", "event_id": f"{workspace}.made"}
    position_fields = {"workspace_id": workspace, "number": number, "order_key": order_key, "at": utc("2026-03-01")}
    data.add(tables.audit_log, **entry, **position_fields, **overrides)


EMAILS = {
    "sarah": "sarah.chen@acme.com",
    "bob": "bob@acme.com",
    "gina": "gina@globex.co.uk",
    "pat": "pat@gmail.com",
}
COMPANIES = {"sarah": "acme", "bob": "acme", "gina": "globex"}
