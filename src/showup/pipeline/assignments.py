"""The companies that people assigned persons to: by recording a person with a company, or by merging persons (PI12).

An assignment holds from its time on: a booking that the person joined before keeps its company. For a person whose
address names no company, the first assignment holds for the time before it too, because nothing else was known then.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from showup.companies.company import key_of_domain
from showup.events.envelope import AnyRecord
from showup.events.workspace import PersonRecorded
from showup.pipeline.merges import Merge
from showup.pipeline.rules import Rules

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Assignment(Struct, frozen=True, kw_only=True):
    """A company (key) that holds for a person since that time.

    `decided` is the order key of the event that named the company; "" if only the address of a merged person names it.
    """

    company: str
    since: datetime
    decided: str = ""


class Assignments(Struct, frozen=True, kw_only=True):
    """The assignments of each person, by every email address that the person has."""

    by_email: Mapping[str, tuple[Assignment, ...]] = {}

    def company_of(self, email: str, own_company: str | None, joined_at: datetime) -> str | None:
        """Return the company assigned to a person who joined a booking at that time; None if that of the address holds.

        `own_company` is the company of the address, which only a company that a person named can replace.
        """
        known = [one for one in self.by_email.get(email, ()) if one.decided or own_company is None]
        if in_force := [one for one in known if one.since <= joined_at]:
            newest = max(one.decided for one in in_force)
            return min(one.company for one in in_force if one.decided == newest)
        if own_company is not None:
            return None
        first = min(known, key=lambda one: (one.since, one.decided, one.company), default=None)
        return None if first is None else first.company


NO_ASSIGNMENTS = Assignments()


def merged_names(emails: Iterable[str], merges: Iterable[Merge]) -> dict[str, dict[str, datetime]]:
    """Return, for each address, all addresses of the same person, each with the time since when they are one."""
    neighbours: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    for merge in merges:
        if merge.kind == "people":
            neighbours[merge.gone].append((merge.stays, merge.at))
            neighbours[merge.stays].append((merge.gone, merge.at))
    return {email: _merged_since(email, neighbours) for email in emails}


def _merged_since(email: str, neighbours: Mapping[str, list[tuple[str, datetime]]]) -> dict[str, datetime]:
    since, pending = {email: _BEGINNING}, [email]
    while pending:
        name = pending.pop()
        for other, at in neighbours.get(name, ()):
            if other not in since:
                since[other] = max(since[name], at)
                pending.append(other)
    return since


def assignments_of(
    names: Mapping[str, Mapping[str, datetime]], records: Iterable[AnyRecord], rules: Rules
) -> Assignments:
    """Return the assignments that result from the events that recorded these people, and from their merges."""
    recorded: dict[str, list[Assignment]] = defaultdict(list)
    for record in records:
        event = record.event
        if isinstance(event, PersonRecorded) and event.company is not None:
            assignment = Assignment(company=event.company, since=record.source_at, decided=record.order_key)
            recorded[event.email].append(assignment)
    by_email: dict[str, tuple[Assignment, ...]] = {}
    for email, since_by_name in names.items():
        found: list[Assignment] = []
        for name, since in since_by_name.items():
            found += [
                Assignment(company=one.company, since=max(one.since, since), decided=one.decided)
                for one in recorded.get(name, ())
            ]
            domain = None if name == email or rules.is_team(name) else rules.company_domain(name)
            if domain is not None:
                found.append(Assignment(company=key_of_domain(domain), since=since))
        if found:
            by_email[email] = tuple(found)
    return Assignments(by_email=by_email)
