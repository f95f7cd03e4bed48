"""Finds candidates when no email matches: tasks whose title is a similar name, for a person to choose from."""

from typing import Final

from msgspec import Struct

from showup.destinations.clickup.entry import TaskEntry
from showup.destinations.clickup.mirror_sync import MirrorSync
from showup.destinations.clickup.names import last_name, name_similarity, plain_name
from showup.destinations.clickup.task_search import TaskSearch
from showup.destinations.contract import Candidate
from showup.destinations.destination_kind import Mirror, MirroredRecord
from showup.values.email_address import normalize_email

_MAX_CANDIDATES: Final = 5


class NameMatch(Struct, frozen=True, kw_only=True):
    """Possible tasks. `exact_record` has the same email, in a letter case that ClickUp's search does not match."""

    candidates: tuple[Candidate, ...] = ()
    exact_record: str | None = None


async def match_by_name(
    search: TaskSearch, mirror_sync: MirrorSync, mirror: Mirror, lists: tuple[str, ...], entry: TaskEntry
) -> NameMatch:
    """Searches the copy after bringing it up to date. Raises ClickUpError."""
    name = plain_name(entry.name)
    if not name or "@" in entry.name:
        return NameMatch()
    for list_id in lists:
        await mirror_sync.sync(list_id, await search.email_field(list_id))
    alike: list[tuple[int, int, int, Candidate]] = []
    for one in await mirror.find_by_last_name(last_name(name)):
        if entry.email and one.email == normalize_email(entry.email):
            return NameMatch(exact_record=one.record)
        if one.list in lists and (near := name_similarity(name, one.name)) is not None:
            alike.append((near[0], lists.index(one.list), len(alike), _candidate(one, near[1], entry)))
    alike.sort(key=lambda one: one[:3])
    return NameMatch(candidates=tuple(candidate for *_, candidate in alike[:_MAX_CANDIDATES]))


def _candidate(one: MirroredRecord, because: str, entry: TaskEntry) -> Candidate:
    other = ", but another email" if one.email and entry.email else ""
    return Candidate(record=one.record, name=one.title, url=one.url, because=f"{because}{other}")
