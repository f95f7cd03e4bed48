"""A kind of destination beside mail: what its connection says, which news it is told, how it is built and examined.

Each has its package here with a `connect.py` that makes its `Kind`, and a line in `catalogue`.
"""

import difflib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Protocol

import httpx2
import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.contract import Destination, Pace


class ConnectionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What any connection may say beside its own settings: another address of the API, and another pace."""

    api_url: str | None = None
    rate_per_second: Annotated[float, Meta(gt=0)] | None = None
    at_once: Annotated[int, Meta(ge=1, le=100)] | None = None

    def paced(self, pace: Pace) -> Pace:
        """The destination's own pace, with what these settings say of it."""
        return replace(
            pace,
            rate_per_second=self.rate_per_second or pace.rate_per_second,
            at_once=self.at_once or pace.at_once,
        )


class Meter(Protocol):
    """Counts calls against the destination's limit, for all processes together."""

    async def take(self, calls: int = 1) -> None:
        """Returns when so many more calls may be made. Raises OverLimit when that is too long to wait for."""


class OverLimit(Exception):
    """No more calls may be made before `not_before`."""

    def __init__(self, not_before: datetime) -> None:
        super().__init__(f"no call may be made before {not_before:%H:%M:%S}")
        self.not_before = not_before


class Mirrored(Struct, frozen=True, kw_only=True):
    """A copy of one record of a destination: `name` is its title as names are compared, `last_name` its last word."""

    list: str
    record: str
    title: str
    name: str
    last_name: str
    updated_at: datetime
    email: str | None = None
    url: str | None = None


class Mirror(Protocol):
    """A copy of a destination's records in one workspace, for what it can't be asked itself."""

    async def synced_until(self, list_id: str) -> datetime | None:
        """How far the copy of a list has come, by the destination's own clock; None: there is none yet."""

    async def synced_at(self, list_id: str) -> datetime | None:
        """When somebody last brought the copy up to date, by our clock."""

    async def put(self, list_id: str, records: Sequence[Mirrored], until: datetime) -> None:
        """Writes new and changed records, and how far the copy has come."""

    async def called(self, last_name: str) -> list[Mirrored]:
        """Everybody of that last name, newest first."""


class Outfit(Struct, frozen=True, kw_only=True):
    """What a destination is built with beside its settings and credentials.

    `client` is the process's; `meter` makes the meter of a destination that calls several times for one delivery.
    """

    client: httpx2.AsyncClient
    clock: Clock
    meter: Callable[[Pace], Meter]
    mirror: Mirror


class Kind(Struct, frozen=True, kw_only=True):
    """`credentials` names the secrets that it needs.

    `listens_to` says which kinds of news it is told by its settings; `only_with` names, for some of them, the secret
    without which they are not told there. `build` raises ValueError for settings or
    credentials that can't be used. `examine` asks the destination whether what the settings name is there: a sentence
    for each fault, with what to do about it.
    """

    name: str
    settings: type[ConnectionSettings]
    credentials: tuple[str, ...]
    listens_to: Callable[[Any], frozenset[str]]
    build: Callable[[Any, Mapping[str, str], Outfit], Destination]
    examine: Callable[[Any, Mapping[str, str], Outfit], Awaitable[list[str]]]
    only_with: Mapping[str, str] = {}

    def told(self, settings: ConnectionSettings, credentials: Mapping[str, Any]) -> frozenset[str]:
        """The kinds of news that it is told, with these settings and secrets."""
        kinds: frozenset[str] = self.listens_to(settings)
        return kinds - {kind for kind, secret in self.only_with.items() if not credentials.get(secret)}

    def read(self, settings: Mapping[str, Any]) -> ConnectionSettings:
        """The settings of a connection. Raises ValueError with a sentence that names what is wrong."""
        known = self.settings.__struct_fields__
        for name in settings:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known))}"
                raise ValueError(f"{self.name} has no setting {name!r} ({hint})")
        try:
            return msgspec.convert(dict(settings), self.settings, strict=False)
        except msgspec.ValidationError as fault:
            raise ValueError(_sentence(self.name, str(fault))) from None

    def unknown(self, credentials: Mapping[str, Any]) -> list[str]:
        """The secrets that nothing is known of, such as misspelt ones."""
        known = {*self.credentials, *self.only_with.values()}
        return sorted(name for name in credentials if name not in known)

    def missing(self, credentials: Mapping[str, Any]) -> list[str]:
        """The secrets that are not there."""
        return [name for name in self.credentials if not credentials.get(name)]


_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_WRONG: Final = re.compile(r"(?P<what>.+) - at `\$\.(?P<setting>\w+).*`")


def _sentence(kind: str, fault: str) -> str:
    """What msgspec finds wrong with settings, for a person."""
    if missing := _MISSING.match(fault):
        return f"{kind} needs its setting {missing[1]}: say it under [{kind}] in showup.toml, or with --setting"
    if wrong := _WRONG.match(fault):
        return f"the setting {wrong['setting']} of {kind} can't be used ({wrong['what'].replace('`', '')})"
    return f"the settings of {kind} can't be used ({fault})"
