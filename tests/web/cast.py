"""Who is in these tests: a workspace `ours` with a small story, and `theirs`, which must see nothing of it.

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
from showup.database import tables
from showup.database.engine import transaction

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
_KEPT = {"provider": "outbox", "recipient": "sarah.chen@acme.com"}
READABLE_BODY = json.dumps({"triggerEvent": "BOOKING_CREATED", "payload": {"title": "Grüße"}}).encode()


def id_of(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, name)


def key_of(name: str) -> str:
    return f"showup_{name}"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Stage:
    """Collects rows; each row's `id` and references are made of names."""

    def __init__(self) -> None:
        self.rows: list[tuple[Table, dict[str, Any]]] = []

    def add(self, table: Table, **row: Any) -> None:
        named = {key: id_of(value) if _is_reference(key, value) else value for key, value in row.items()}
        self.rows.append((table, named))

    async def play(self, engine: AsyncEngine) -> None:
        async with transaction(engine) as tx:
            for table, row in self.rows:
                await tx.execute(insert(table).values(row))


def _is_reference(key: str, value: object) -> bool:
    known = {"id", "opened_by", "cancelled_by", "duplicate_of"}
    is_name = key in known or (key.endswith("_id") and not key.startswith("calcom_"))
    return is_name and isinstance(value, str)


def whole_cast() -> Stage:
    stage = Stage()
    people_with_keys(stage)
    _ours(stage)
    _told_of_ours(stage)
    _theirs(stage)
    return stage


def people_with_keys(stage: Stage) -> None:
    """The two workspaces, each with an account, and the keys."""
    for workspace in ("ours", "theirs"):
        stage.add(tables.workspaces, id=workspace, slug=workspace, name=workspace.title())
        account = {"id": f"{workspace}.account", "kind": "calcom", "name": f"{workspace}-calcom"}
        stage.add(tables.connections, workspace_id=workspace, **account)
    for name, (workspace_of_key, scope) in KEYS.items():
        key = {"id": f"key.{name}", "name": name, "scope": scope, "digest": digest(key_of(name))}
        stage.add(tables.api_keys, workspace_id=workspace_of_key, **key)


def _ours(stage: Stage) -> None:
    company(stage, "ours", "acme", "Acme Corp", "acme.com", "2026-03-01")
    company(stage, "ours", "globex", "Globex", "globex.co.uk", "2026-03-02")
    person(stage, "ours", "sarah", "sarah.chen@acme.com", "Sarah Chen", "acme")
    person(stage, "ours", "bob", "bob@acme.com", "Bob Ray", "acme")
    person(stage, "ours", "gina", "gina@globex.co.uk", "Gina Gray", "globex")
    person(stage, "ours", "pat", "pat@gmail.com", None, None)
    deal(stage, "ours", "acme_deal", "acme", "active", "met", amount=12000.5, currency="USD")
    deal(stage, "ours", "globex_lost", "globex", "cancelled", "booked", cancelled_by="ours.called_off")
    deal(stage, "ours", "globex_deal", "globex", "active", "booked", position=1)
    booking(stage, "ours", "intro", "2026-03-11T15:00", person_="sarah", deal_="acme_deal", showed=True)
    booking(stage, "ours", "demo", "2026-03-20T15:00", person_="sarah", deal_="acme_deal")
    booking(
        stage,
        "ours",
        "called_off",
        "2026-03-05T10:00",
        person_="gina",
        deal_="globex_lost",
        status="CANCELLED",
    )
    booking(stage, "ours", "silent", "2026-03-10T10:00", person_="gina", deal_="globex_deal")
    booking(stage, "ours", "missed", "2026-03-08T10:00", person_="gina", deal_="globex_deal", showed=False)
    booking(stage, "ours", "stood_up", "2026-03-09T10:00", person_="pat", host_absent=True)
    guest(stage, "intro", "bob", showed=False)
    stage.add(tables.booking_refs, workspace_id="ours", ref="uid:before-intro", booking_id="ours.intro")
    stage.add(tables.booking_aliases, alias_id="ours.twin", booking_id="ours.intro", workspace_id="ours")


def _told_of_ours(stage: Stage) -> None:
    delivery(stage, "ours", "confirmed", "intro", "delivered", **_KEPT, delivered_at=at("2026-03-01T09:00:02"))
    mail(stage, "ours", "confirmed")
    lane(stage, "ours", paused_until=NOW + timedelta(minutes=1), because="nobody answers", failing_since=NOW)
    delivery(stage, "ours", "moved", "intro", "delivered", delivered_at=at("2026-03-02T09:00:00"))
    delivery(stage, "ours", "reminder", "demo", "scheduled", destination="slack")
    suppression(stage, "ours", "bounced", "gina@globex.co.uk")
    suppression(stage, "ours", "unsubscribed", "pat@gmail.com", scope="follow_up", created_at=at("2026-03-03"))
    event(stage, "ours", "made", READABLE_BODY, "applied", uid="uid-intro", booking_id="ours.intro")
    event(stage, "ours", "garbled", UNREADABLE_BODY, "unreadable", because="no JSON", trigger=None)
    event(stage, None, "unrouted", b"{}", "kept", trigger=None)
    merge(stage, "ours")
    endpoint(stage, "ours")
    stage.add(
        tables.merges,
        id="ours.merge.of_companies",
        workspace_id="ours",
        kind="companies",
        gone="domain:acme.co",
        stays="domain:acme.com",
        gone_id="ours.acme.co",
        actor="key:writer",
        at=at("2026-03-02"),
    )
    # Numbers say in which order we heard it, order keys in which it happened.
    made = {"uid": [None, "uid-intro"], "title": ["", "Meeting intro"]}
    line(stage, "ours", 3, "1", "booking.made", booking_id="ours.intro", company_id="ours.acme", change=made)
    line(stage, "ours", 1, "2", "deal.opened", deal_id="ours.acme_deal", change={"status": [None, "active"]})
    line(stage, "ours", 2, "3", "deal.moved", deal_id="ours.acme_deal", change={"stage": ["booked", "met"]})
    line(stage, "ours", 4, "4", "booking.rescheduled", booking_id="ours.twin", change={"uid": ["a", "b"]})
    line(stage, "ours", 5, "5", "person.named", person_id="ours.sarah", change={"name": [None, "Sarah"]})


def _theirs(stage: Stage) -> None:
    merge(stage, "theirs")
    endpoint(stage, "theirs")
    company(stage, "theirs", "acme", "Acme Corp", "acme.com", "2026-03-01")
    person(stage, "theirs", "sarah", "sarah.chen@acme.com", "Sarah Chen", "acme")
    deal(stage, "theirs", "acme_deal", "acme", "active", "booked", amount=1, currency="EUR")
    booking(stage, "theirs", "intro", "2026-03-11T15:00", person_="sarah", deal_="acme_deal")
    delivery(stage, "theirs", "confirmed", "intro", "delivered", **_KEPT, delivered_at=NOW)
    mail(stage, "theirs", "confirmed", subject="A mail of theirs")
    lane(stage, "theirs")
    suppression(stage, "theirs", "bounced", "gina@globex.co.uk")
    event(stage, "theirs", "garbled", b"\xff", "unreadable", because="no JSON")
    line(stage, "theirs", 1, "1", "deal.opened", deal_id="theirs.acme_deal", company_id="theirs.acme")


def company(stage: Stage, workspace: str, noun: str, name: str, domain: str, made: str) -> None:
    row = {"id": f"{workspace}.{noun}", "workspace_id": workspace, "name": name, "domain": domain}
    stage.add(tables.companies, key=f"domain:{domain}", **row, created_at=at(made), updated_at=at(made))


def person(stage: Stage, workspace: str, noun: str, email: str, name: str | None, company_: str | None) -> None:
    row: dict[str, Any] = {
        "id": f"{workspace}.{noun}",
        "workspace_id": workspace,
        "email": email,
        "name": name,
    }
    row["company_id"] = f"{workspace}.{company_}" if company_ else None
    stage.add(tables.people, **row, created_at=at("2026-03-01"), updated_at=at("2026-03-01"))


def deal(stage: Stage, workspace: str, noun: str, company_: str, status: str, step: str, **more: Any) -> None:
    row: dict[str, Any] = {
        "id": f"{workspace}.{noun}",
        "workspace_id": workspace,
        "company_id": f"{workspace}.{company_}",
        "status": status,
        "stage": step,
        "owner_email": "dana@brand.example",
        "opened_by": f"{workspace}.opener",
        "position": 0,
    }
    times = dict.fromkeys(("opened_at", "stage_entered_at", "created_at", "updated_at"), at("2026-03-01"))
    # Three deals of one moment: only the id then tells where a page ends.
    stage.add(tables.deals, **row | times | more)


def booking(
    stage: Stage,
    workspace: str,
    noun: str,
    starts: str,
    *,
    person_: str,
    deal_: str | None = None,
    showed: bool | None = None,
    **more: Any,
) -> None:
    name, starts_at, email = f"{workspace}.{noun}", at(starts), EMAILS[person_]
    uid = f"uid-{noun}" if workspace == "ours" else f"uid-{name}"
    said = {"attended": showed, "attendance_evidence": None if showed is None else "reported"}
    row: dict[str, Any] = {
        "id": name,
        "workspace_id": workspace,
        "account_id": f"{workspace}.account",
        "calcom_uid": uid,
        "calcom_booking_id": "7",
        "person_id": f"{workspace}.{person_}",
        "company_id": f"{workspace}.{COMPANIES[person_]}" if person_ in COMPANIES else None,
        "deal_id": f"{workspace}.{deal_}" if deal_ else None,
        "title": f"Meeting {noun}",
        "start_time": starts_at,
        "end_time": starts_at + timedelta(minutes=30),
        "booked_at": at("2026-03-01"),
        "status": "ACCEPTED",
        "organizer_email": "dana@brand.example",
        "uids": [{"uid": uid, "calcom_booking_id": "7", "start_time": "2026-03-11T15:00:00Z"}],
    }
    times = {"created_at": at("2026-03-01"), "updated_at": at("2026-03-01")}
    stage.add(tables.bookings, **row | times | said | more)
    stage.add(tables.booking_refs, workspace_id=workspace, ref=f"uid:{uid}", booking_id=name)
    seat = {"booking_id": name, "position": 0, "person_id": f"{workspace}.{person_}", "email": email}
    stage.add(tables.booking_attendees, **seat | said)


def guest(stage: Stage, noun: str, person_: str, *, showed: bool) -> None:
    seat = {"booking_id": f"ours.{noun}", "position": 1, "person_id": f"ours.{person_}"}
    said = {"attended": showed, "attendance_evidence": "assumed"}
    stage.add(tables.booking_attendees, email=EMAILS[person_], **seat, **said)


def delivery(stage: Stage, workspace: str, noun: str, booking_: str, state: str, **more: Any) -> None:
    row: dict[str, Any] = {
        "id": f"{workspace}.{noun}",
        "workspace_id": workspace,
        "booking_id": f"{workspace}.{booking_}",
        "event_id": f"{workspace}.made",
        "key": noun,
        "destination": "email",
        "kind": "confirm",
        "booking_version": 1,
        "state": state,
    }
    times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), at("2026-03-01"))
    stage.add(tables.deliveries, **row | times | more)


def mail(stage: Stage, workspace: str, noun: str, **more: Any) -> None:
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
    row = {"delivery_id": f"{workspace}.{noun}", "content": content | more, "rendered_at": at("2026-03-01")}
    stage.add(tables.delivery_contents, **row)


def lane(stage: Stage, workspace: str, **more: Any) -> None:
    row = {"workspace_id": workspace, "destination": "email", "tokens": 1.0, "tokens_at": NOW}
    stage.add(tables.lanes, **row, **more)


def suppression(stage: Stage, workspace: str, reason: str, email: str, **more: Any) -> None:
    row = {"id": f"{workspace}.{reason}", "workspace_id": workspace, "email": email, "reason": reason}
    stage.add(tables.suppressions, **row | {"scope": "all", "because": reason, "created_at": at("2026-03-02")} | more)


def endpoint(stage: Stage, workspace: str) -> None:
    row = {"id": f"{workspace}.endpoint", "workspace_id": workspace, "url": f"https://{workspace}.example/hook"}
    times = {"created_at": at("2026-03-02"), "updated_at": at("2026-03-02")}
    stage.add(tables.endpoints, **row, kinds=["deal.won"], secrets=b"sealed", **times)


def event(stage: Stage, workspace: str | None, noun: str, body: bytes, state: str, **more: Any) -> None:
    owner = workspace or "ours"
    row: dict[str, Any] = {
        "id": f"{owner}.{noun}",
        "account_id": f"{owner}.account",
        "workspace_id": workspace,
        "received_at": at("2026-03-01"),
        "digest": hashlib.sha256(noun.encode()).digest(),
        "body": body,
        "state": state,
        "trigger": "BOOKING_CREATED",
    }
    stage.add(tables.calcom_events, **row | more)


def merge(stage: Stage, workspace: str) -> None:
    row = {"id": f"{workspace}.merge", "workspace_id": workspace, "kind": "people", "actor": "key:writer"}
    who = {"gone": "s.chen@acme.com", "gone_id": f"{workspace}.s.chen", "stays": "sarah.chen@acme.com"}
    stage.add(tables.merges, **row, **who, at=at("2026-03-01"))


def line(stage: Stage, workspace: str, number: int, order_key: str, what: str, **more: Any) -> None:
    told = {"what": what, "because": "it was so", "actor": "showup", "event_id": f"{workspace}.made"}
    place = {"workspace_id": workspace, "number": number, "order_key": order_key, "at": at("2026-03-01")}
    stage.add(tables.journal, **told, **place, **more)


EMAILS = {
    "sarah": "sarah.chen@acme.com",
    "bob": "bob@acme.com",
    "gina": "gina@globex.co.uk",
    "pat": "pat@gmail.com",
}
COMPANIES = {"sarah": "acme", "bob": "acme", "gina": "globex"}
