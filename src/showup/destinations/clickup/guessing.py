"""Who it may be where no email says so: tasks whose title is a name like theirs, for a person to choose from."""

from typing import Final

from msgspec import Struct

from showup.destinations.clickup.copying import Copying
from showup.destinations.clickup.entry import Entry
from showup.destinations.clickup.finding import Finding
from showup.destinations.clickup.names import last_name, likeness, plain_name
from showup.destinations.contract import Candidate
from showup.destinations.kind import Mirror, Mirrored

_MOST: Final = 5


class Guess(Struct, frozen=True, kw_only=True):
    """`sure`: a task that has the very email, written in other letters than ClickUp's search compares."""

    candidates: tuple[Candidate, ...] = ()
    sure: str | None = None


async def guess(finding: Finding, copying: Copying, mirror: Mirror, lists: tuple[str, ...], entry: Entry) -> Guess:
    """Looks through the copy, once that is up to date. Raises Refused."""
    name = plain_name(entry.name)
    if not name or "@" in entry.name:
        return Guess()
    for list_id in lists:
        await copying.bring_up_to_date(list_id, await finding.email_field(list_id))
    alike: list[tuple[int, int, int, Candidate]] = []
    for one in await mirror.called(last_name(name)):
        if entry.email and one.email == entry.email.casefold():
            return Guess(sure=one.record)
        if one.list in lists and (near := likeness(name, one.name)) is not None:
            alike.append((near[0], lists.index(one.list), len(alike), _candidate(one, near[1], entry)))
    alike.sort(key=lambda one: one[:3])
    return Guess(candidates=tuple(candidate for *_, candidate in alike[:_MOST]))


def _candidate(one: Mirrored, because: str, entry: Entry) -> Candidate:
    other = ", but another email" if one.email and entry.email else ""
    return Candidate(record=one.record, name=one.title, url=one.url, because=f"{because}{other}")
