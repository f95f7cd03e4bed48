"""What waits for a person's decision on the page Today: a fact, its consequence, and up to three answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from showup.web.dashboard.words import Viewer, clipped, count

_MAX_DECISIONS: Final = 5
_MAX_CANDIDATES: Final = 2
_REPEATED: Final = 3
_MAX_UNMATCHED: Final = 2
_NAMES: Final = {"clickup": "ClickUp", "notion": "Notion", "slack": "Slack", "twilio": "Twilio", "email": "Mail"}


class AnswerButton(Struct, frozen=True, kw_only=True):
    """A button: it posts `fields` to `path`, which is relative to the home page."""

    label: str
    path: str
    fields: Mapping[str, str]
    is_quiet: bool = False


class DecisionRow(Struct, frozen=True, kw_only=True):
    """One row. `link`: words and a path, for what a form can't answer."""

    icon: str
    fact: str
    consequence: str
    answers: Sequence[AnswerButton]
    link: tuple[str, str] | None = None


def decisions_of(
    questions: Sequence[Mapping[str, Any]],
    signatures: Sequence[Mapping[str, Any]],
    unmatched: Sequence[Mapping[str, Any]],
    stuck: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, Any]],
    viewer: Viewer,
) -> list[DecisionRow]:
    """Return the rows: what waits for an answer, then what is refused, stuck or failed, one for each destination."""
    rows = [_question(one, viewer) for one in questions]
    rows += [_signatures(one, viewer) for one in signatures if one["number"] >= _REPEATED]
    rows += [_unmatched(one, viewer) for one in unmatched[:_MAX_UNMATCHED]]
    rows += [_stuck(one, viewer) for one in stuck] + [_failure(one, viewer) for one in failures]
    return rows[:_MAX_DECISIONS]


def destination_name(destination: str) -> str:
    """Return a destination's name as its maker writes it."""
    return "An outgoing webhook" if destination.startswith("webhook") else _NAMES.get(destination, destination)


def _question(row: Mapping[str, Any], viewer: Viewer) -> DecisionRow:
    question: Mapping[str, Any] = row["question"]
    candidates = question.get("candidates", [])
    path = f"deliveries/{row['id']}/choose"
    answers = [
        AnswerButton(label=str(one.get("name") or one["record"])[:40], path=path, fields={"record": one["record"]})
        for one in candidates[:_MAX_CANDIDATES]
    ]
    until = question.get("until")
    alone = f" {viewer.relative(datetime.fromisoformat(until)).capitalize()} a new record is made." if until else ""
    return DecisionRow(
        icon="tasks",
        fact=f"Which record is {row['person']} in {destination_name(row['destination'])}?",
        consequence=f"{count(len(candidates), 'record fits', 'records fit')}.{alone}",
        answers=[*answers, AnswerButton(label="None of these", path=path, fields={"record": ""}, is_quiet=True)],
    )


def _signatures(row: Mapping[str, Any], viewer: Viewer) -> DecisionRow:
    number = count(row["number"], "webhook was refused", "webhooks were refused")
    return DecisionRow(
        icon="alert",
        fact=f"{number}: the signature is wrong or missing",
        consequence=f"For the account {row['name']}, last {viewer.relative(row['last_at'])}. If they are yours,"
        " bookings are missing: the secret in Cal.com is another one.",
        answers=[],
        link=("Compare the secrets", "setup?step=calcom"),
    )


def _unmatched(row: Mapping[str, Any], viewer: Viewer) -> DecisionRow:
    path = f"unmatched/{row['id']}"
    candidates = row["candidates"][:_MAX_CANDIDATES]
    answers = [
        AnswerButton(label=_lead_name(one["lead"]), path=path, fields={"lead": str(one["lead"]["id"])})
        for one in candidates
    ]
    return DecisionRow(
        icon="unmatched",
        fact=f"Which lead is {clipped(row['name'] or row['attendee'])}?",
        consequence=f"Booked {viewer.moment(row['booked_at'])} as {clipped(row['attendee'])}. The booking counts for no"
        " campaign until you say.",
        answers=[*answers, AnswerButton(label="No campaign", path=path, fields={"lead": ""}, is_quiet=True)],
    )


def _lead_name(lead: Mapping[str, Any]) -> str:
    return ", ".join(one for one in (lead["name"] or lead["email"], lead["company"]) if one)[:60]


def _stuck(row: Mapping[str, Any], viewer: Viewer) -> DecisionRow:
    return DecisionRow(
        icon="plug",
        fact=f"{destination_name(row['destination'])}: {count(row['number'], 'delivery waits', 'deliveries wait')}",
        consequence=f"Since {viewer.moment(row['since'])}: {row['because'].rstrip('.')}. Showup tries again by itself.",
        answers=[],
    )


def _failure(row: Mapping[str, Any], viewer: Viewer) -> DecisionRow:
    return DecisionRow(
        icon="plug",
        fact=f"{destination_name(row['destination'])}: {count(row['number'], 'delivery failed', 'deliveries failed')}",
        consequence=f"{_sentence(row['because'])}, since {viewer.moment(row['since'])}.",
        answers=[AnswerButton(label="Try again", path="deliveries/retry", fields={"destination": row["destination"]})],
    )


def _sentence(because: str | None) -> str:
    reason = (because or "it gave no reason").rstrip(".")
    return f"{reason[:1].upper()}{reason[1:]}"
