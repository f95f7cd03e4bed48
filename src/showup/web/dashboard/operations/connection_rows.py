"""Connections as `/connections` shows them: what needs a person first, then what works. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from showup.access.connection import CALCOM
from showup.connections.catalogue import KINDS
from showup.connections.environment import NAME as FROM_ENVIRONMENT
from showup.reads.destinations import DestinationStatus
from showup.reads.lead_sources import EMAILBISON
from showup.reads.rows import Item
from showup.reads.source_webhooks import ReceivedWebhooks
from showup.web.dashboard.message_words import names_of
from showup.web.dashboard.operations.system_names import system_name
from showup.web.dashboard.words import Viewer, clipped, count, sentence

MAIL: Final = "mail"
"""The id of the row of mail that no connection sends."""
_MAIL_KINDS: Final = ("resend", "smtp")
_MAIL_QUEUE: Final = "email"
_TEST: Final = ("test", "Test")
_COMPARE: Final = ("compare", "Compare now")
_RESUME: Final = ("resume", "Resume")
ACKNOWLEDGE: Final = ("acknowledge", "Acknowledge")
"""The button that ends the warning about refused webhooks: only later ones are counted again."""
ADDED_AT: Final = {
    "resend": "setup?step=mail",
    "smtp": "setup?step=mail",
    CALCOM: "setup?step=calcom",
    **{kind: f"connections/new/{kind}" for kind in KINDS},
}
"""The pages that connect a kind."""
_MORE: Final = (("Outgoing webhook", "settings/webhooks"), ("Another Cal.com account", "settings/accounts"))


class ConnectionRow(Struct, frozen=True, kw_only=True):
    """A connection. `says` is what is known, `because` the fault in the other system's words, `advice` what to do.

    `actions` are what an admin may press, each by the value and the words of its button; they post to `path`. `setting`
    and `deliveries` are links.
    """

    id: str
    path: str
    name: str
    detail: str
    mark: Literal["good", "warn", "bad", ""]
    says: str
    because: str = ""
    advice: str = ""
    actions: Sequence[tuple[str, str]] = ()
    setting: str | None = None
    deliveries: str | None = None
    waits: str = ""

    @property
    def needs_person(self) -> bool:
        """Return whether it does not work."""
        return self.mark in ("bad", "warn")


class ConnectionsView(Struct, frozen=True, kw_only=True):
    """All rows. `missing` are the kinds that are not connected, and the page that connects each."""

    rows: Sequence[ConnectionRow]
    missing: Sequence[tuple[str, str]]

    @property
    def needing(self) -> list[ConnectionRow]:
        """Return those that need a person, broken ones first."""
        return sorted((one for one in self.rows if one.needs_person), key=lambda one: one.mark)

    @property
    def working(self) -> list[ConnectionRow]:
        """Return those that work, or that nothing is known to be wrong with."""
        return [one for one in self.rows if not one.needs_person]

    @property
    def headline(self) -> tuple[str, str]:
        """Return how many work, and who needs a person."""
        needing = [one.name for one in self.needing]
        first = f"{len(self.working)} of {len(self.rows)} work." if needing else "All of them work."
        verb = "needs" if len(needing) == 1 else "need"
        return first, f"{names_of(needing)} {verb} you. Nothing is lost meanwhile." if needing else ""


def build_connections(
    items: Sequence[Item],
    destinations: Sequence[DestinationStatus],
    webhooks: Mapping[UUID, ReceivedWebhooks],
    endpoints: Sequence[Item],
    viewer: Viewer,
    *,
    carrier: str | None,
    has_sender: bool,
) -> ConnectionsView:
    """Return the view. `carrier` sends the workspace's mail by the environment of the server."""
    queues = {one.destination: one for one in destinations}
    rows = []
    for item in items:
        if item["kind"] == CALCOM:
            rows.append(_calcom(item, webhooks.get(item["id"]), viewer))
        elif item["kind"] in _MAIL_KINDS:
            rows.append(_mail(item, queues.get(_MAIL_QUEUE), viewer, has_sender=has_sender))
        else:
            rows.append(destination_row(item, queues.get(item["kind"]), viewer))
        rows[-1] = _with_refusals(rows[-1], item["kind"], webhooks.get(item["id"]), viewer)
    kinds = {item["kind"] for item in items}
    if not kinds & set(_MAIL_KINDS):
        rows.append(_mail_of_server(queues.get(_MAIL_QUEUE), viewer, carrier=carrier, has_sender=has_sender))
    rows += [_endpoint(one, queues.get(f"webhook:{one['id']}"), viewer) for one in endpoints]
    missing = [(system_name(kind), ADDED_AT[kind]) for kind in KINDS if kind not in kinds]
    return ConnectionsView(rows=rows, missing=[*missing, *_MORE])


def _with_refusals(row: ConnectionRow, kind: str, received: ReceivedWebhooks | None, viewer: Viewer) -> ConnectionRow:
    """Return the row with the refused webhooks that nobody has acknowledged, as `showup doctor` counts them."""
    if received is None or received.refused_at is None:
        return row
    words = f"{count(received.refused, 'webhook was refused', 'webhooks were refused')}: signature wrong or missing,"
    words += f" last {viewer.relative(received.refused_at)}"
    is_last = received.last_at is None or received.refused_at > received.last_at
    correct = "set the webhook again: it gets a new secret" if kind == CALCOM else "correct the signing secret"
    return replace(
        row,
        mark="bad" if row.mark == "bad" or (kind == CALCOM and is_last) else "warn",
        because="; ".join(filter(None, (row.because, words))),
        advice=f"{row.advice} If they came from {row.name}, {correct}. Then acknowledge them.".strip(),
        actions=(*row.actions, ACKNOWLEDGE),
    )


def _calcom(item: Item, received: ReceivedWebhooks | None, viewer: Viewer) -> ConnectionRow:
    sync: Mapping[str, Any] | None = item["calcom"]
    last_at = None if received is None else received.last_at
    parts = [f"Last webhook {viewer.relative(last_at)}." if last_at else "No webhook among the newest events."]
    run = None if sync is None else sync["last_run"]
    if sync is not None and sync["last_synced_at"] and run is not None:
        repaired = sum(run["repaired"].values())
        parts.append(
            f"Compared {viewer.relative(sync['last_synced_at'])}: {count(run['checked'], 'booking')},"
            f" {run['drifting']:,} missing, {repaired:,} repaired."
        )
    elif sync is None:
        parts.append("Without an API key, nothing is compared.")
    mark: Literal["good", "warn", "bad", ""] = "good" if last_at else ""
    because = advice = ""
    if sync is not None and sync["available"] is False:
        mark, because = "warn", str(sync["message"] or "Cal.com does not respond")
        advice = "Webhooks still arrive. Test it; if the key is refused, enter another one."
    elif last_at is None:
        mark, advice = "warn", "Set the webhook at Cal.com, then book yourself once to see it arrive."
    return ConnectionRow(
        id=str(item["id"]),
        path=f"connections/{item['id']}",
        name="Cal.com",
        detail=_detail(item),
        mark=mark,
        says=" ".join(parts),
        because=sentence(clipped(because)),
        advice=advice,
        actions=(*((_COMPARE,) if sync is not None else ()), ("register", "Set the webhook"), _TEST),
        setting="setup?step=calcom",
    )


def removal_words(kind: str, queue: DestinationStatus | None) -> str:
    """Return what removing a connection does: what waits, and what is kept."""
    name = system_name(kind)
    number = 0 if queue is None else queue.waiting + queue.planned
    waits = f"Nothing waits for {name} now."
    if number:
        stay = "It stays, and waits" if number == 1 else "They stay, and wait"
        number_words = count(number, "delivery waits", "deliveries wait")
        waits = f"{number_words} for {name}. {stay} until it is connected again, or until it is too late."
    kept = (
        f"Nothing more is planned for it. Its settings and secrets are deleted here, and nothing is deleted at {name}."
    )
    leads = " Campaigns, leads and numbers that were read stay; nothing more is read." if kind == EMAILBISON else ""
    return f"{waits} {kept} What was sent stays in the lists.{leads}"


def destination_row(item: Item, queue: DestinationStatus | None, viewer: Viewer) -> ConnectionRow:
    """Return the row of a destination that keeps nothing else; for EmailBison, also of what is read."""
    kind = item["kind"]
    source: Mapping[str, Any] | None = item["emailbison"]
    mark, says, because, advice = _condition(queue, viewer)
    actions = [_TEST]
    if kind == EMAILBISON:
        actions.append(("read", "Read now"))
    if source is not None:
        read = f"Read {viewer.relative(source['last_synced_at'])}." if source["last_synced_at"] else "Not read yet."
        says = f"{read} {says}"
        if source["available"] is False and mark not in ("bad", "warn"):
            mark, because = "warn", str(source["message"] or "EmailBison does not respond")
            advice = "Numbers stay as they were. Test it; if the token is refused, enter another one."
    if KINDS[kind].credentials and not item["has_credentials"]:
        mark, because, advice = "warn", "it has no credentials", "Enter them: until then, all that is for it waits."
    if item["settings"].get("paused"):
        mark, because, advice = "warn", "a person paused it", "What is for it waits until you resume it."
        actions = [_RESUME] if item["name"] != FROM_ENVIRONMENT else []
    return ConnectionRow(
        id=str(item["id"]),
        path=f"connections/{item['id']}",
        name=system_name(kind),
        detail=_detail(item),
        mark=mark,
        says=says,
        because=sentence(clipped(because)),
        advice=advice,
        actions=actions,
        setting=f"connections/{item['id']}",
        deliveries=f"deliveries?destination={kind}",
        waits=_waits(queue),
    )


def _mail(item: Item, queue: DestinationStatus | None, viewer: Viewer, *, has_sender: bool) -> ConnectionRow:
    mark, says, because, advice = _condition(queue, viewer)
    if not has_sender:
        mark, because, advice = "bad", "no sender is set, so each mail fails", "Add a sender."
    return ConnectionRow(
        id=str(item["id"]),
        path=f"connections/{item['id']}",
        name=system_name(item["kind"]),
        detail="mail to attendees",
        mark=mark,
        says=says,
        because=sentence(clipped(because)),
        advice=advice,
        actions=(("mail", "Send a test"), _TEST),
        setting="setup?step=mail" if has_sender else "settings/senders",
        deliveries=f"deliveries?destination={_MAIL_QUEUE}",
        waits=_waits(queue),
    )


def _mail_of_server(
    queue: DestinationStatus | None, viewer: Viewer, *, carrier: str | None, has_sender: bool
) -> ConnectionRow:
    if carrier is None:
        return ConnectionRow(
            id=MAIL,
            path="connections/mail",
            name="Mail",
            detail="preview only",
            mark="",
            says="Mails are written and stored, and reach nobody.",
            advice="Connect Resend or SMTP to send them.",
            setting="setup?step=mail",
            deliveries="mail",
        )
    mark, says, because, advice = _condition(queue, viewer)
    if not has_sender:
        mark, because, advice = "bad", "no sender is set, so each mail fails", "Add a sender."
    return ConnectionRow(
        id=MAIL,
        path="connections/mail",
        name=carrier,
        detail="mail, set on the server",
        mark=mark,
        says=says,
        because=sentence(clipped(because)),
        advice=advice,
        actions=(("mail", "Send a test"),),
        setting="setup?step=mail" if has_sender else "settings/senders",
        deliveries=f"deliveries?destination={_MAIL_QUEUE}",
        waits=_waits(queue),
    )


def _endpoint(endpoint: Item, queue: DestinationStatus | None, viewer: Viewer) -> ConnectionRow:
    mark, says, because, advice = _condition(queue, viewer)
    if endpoint["state"] == "paused":
        mark, says = "warn", f"Paused since {viewer.moment(endpoint['paused_at'])}."
        because, advice = endpoint["because"] or "", "Correct the receiver, then resume it. Deliveries wait meanwhile."
    return ConnectionRow(
        id=str(endpoint["id"]),
        path=f"connections/webhooks/{endpoint['id']}",
        name=system_name("webhook", endpoint["url"]),
        detail=clipped(endpoint["description"]),
        mark=mark,
        says=says,
        because=sentence(clipped(because)),
        advice=advice,
        actions=() if endpoint["state"] == "paused" else (("ping", "Send a test"),),
        deliveries=f"deliveries?destination=webhook%3A{endpoint['id']}",
        waits=_waits(queue),
    )


def _condition(
    queue: DestinationStatus | None, viewer: Viewer
) -> tuple[Literal["good", "warn", "bad", ""], str, str, str]:
    """Return the mark of what Showup sends there, what it says, the fault and what to do."""
    if queue is None:
        return "", "Nothing was sent yet.", "", ""
    last = f"Last success {viewer.relative(queue.last_success_at)}." if queue.last_success_at else "No success yet."
    because = queue.because or ""
    if queue.is_stopped:
        since = f"Fails since {viewer.moment(queue.since)}. " if queue.since else "Fails. "
        return (
            "bad",
            since + last,
            because,
            "Showup retries by itself. If a setting is wrong, correct it; Test shows whether it works now.",
        )
    if queue.condition == "failed":
        return "warn", last, because, "Correct the cause, then retry what failed."
    return "good" if queue.last_success_at else "", last, "", ""


def _waits(queue: DestinationStatus | None) -> str:
    """Return what failed and what waits: `2 failed, 7 wait`."""
    if queue is None:
        return ""
    parts = [f"{queue.failed:,} failed"] if queue.failed else []
    if queue.waiting:
        parts.append(f"{queue.waiting:,} {'waits' if queue.waiting == 1 else 'wait'}")
    return ", ".join(parts)


def _detail(item: Item) -> str:
    return "" if item["name"] in ("default", "mail", "main") else clipped(item["name"])
