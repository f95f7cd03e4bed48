"""A destination kind: its settings, its event kinds, how it is built and how it is checked.

Each kind except mail has its package here, with a `health.py` that makes its `DestinationKind`, and a line in
`catalogue`.
"""

import difflib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Protocol, TypeAlias

import httpx2
import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.contract import Destination, Pace
from showup.destinations.field_words import SecretWords, described

# More calls at once than this gain nothing.
RatePerSecond: TypeAlias = Annotated[float, Meta(gt=0, le=1_000)]
AtOnce: TypeAlias = Annotated[int, Meta(ge=1, le=50)]


class DeliveryLimits(Struct, frozen=True, kw_only=True):
    """The limits of deliveries that any connection's settings may change."""

    rate_per_second: Annotated[
        RatePerSecond | None,
        described("Calls a second", "Empty: as many as the system allows by its documentation.", is_rare=True),
    ] = None
    at_once: Annotated[
        AtOnce | None, described("Deliveries at a time", "Empty: as Showup recommends for this system.", is_rare=True)
    ] = None

    def override_pace(self, pace: Pace) -> Pace:
        """Returns the destination's own limits with the changes from these settings."""
        return replace(
            pace,
            rate_per_second=self.rate_per_second or pace.rate_per_second,
            at_once=self.at_once or pace.at_once,
        )


def parse_limits(settings: Mapping[str, Any]) -> DeliveryLimits:
    """Parses the limits among any connection's settings. Raises ValueError with a sentence that names the fault."""
    try:
        return msgspec.convert(dict(settings), DeliveryLimits, strict=False)
    except msgspec.ValidationError as fault:
        raise _invalid_setting("the connection", fault) from None


class InvalidSetting(ValueError):
    """A setting that can't be used; `setting` is its name, None if it is not one alone.

    `reason` is what to do about it without a word on the connection, for where that is known.
    """

    def __init__(self, because: str, setting: str | None = None, reason: str | None = None) -> None:
        super().__init__(because)
        self.setting = setting
        self.reason = because if reason is None else reason


class ConnectionSettings(DeliveryLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that every connection has besides its own: another API address, and other delivery limits.

    `paused`: a person wants that nothing is sent there for now.
    """

    api_url: Annotated[
        Annotated[str, Meta(max_length=2_000)] | None,
        described(
            "Address of its API",
            "Empty: the vendor’s own. Another one must be public and begin with https://, and needs the secrets anew.",
            example="https://api.example.com",
            is_rare=True,
        ),
    ] = None
    paused: bool = False

    def check(self) -> None:
        """Raises InvalidSetting for settings with which it can't work; each kind has its own."""


class Meter(Protocol):
    """Counts calls against the destination's limit, for all processes together."""

    async def take(self, calls: int = 1) -> None:
        """Waits until this many more calls may be made. Raises OverLimit when the wait would be too long."""


class OverLimit(Exception):
    """No more calls may be made before `not_before`."""

    def __init__(self, not_before: datetime) -> None:
        super().__init__(f"no calls are allowed before {not_before:%H:%M:%S}")
        self.not_before = not_before


class MirroredRecord(Struct, frozen=True, kw_only=True):
    """A copy of one record of a destination: `name` is its title in comparable form, `last_name` its last word."""

    list: str
    record: str
    title: str
    name: str
    last_name: str
    updated_at: datetime
    email: str | None = None
    url: str | None = None


class Mirror(Protocol):
    """A copy of a destination's records in one workspace, for queries that the destination does not support."""

    async def synced_until(self, list_id: str) -> datetime | None:
        """Returns how far the copy of a list has come, by the destination's clock; None if there is no copy."""

    async def synced_at(self, list_id: str) -> datetime | None:
        """Returns when the copy was last updated, by Showup's clock."""

    async def put(self, list_id: str, records: Sequence[MirroredRecord], until: datetime) -> None:
        """Writes new and changed records, and how far the copy has come."""

    async def find_by_email(self, email: str) -> list[MirroredRecord]:
        """Returns all records with that normalized email, newest first."""

    async def find_by_last_name(self, last_name: str) -> list[MirroredRecord]:
        """Returns all records with that last name, newest first."""


class DestinationContext(Struct, frozen=True, kw_only=True):
    """The resources for building a destination, besides its settings and credentials.

    `client` is the process's; `meter` makes the meter of a destination that makes several calls for one delivery.
    """

    client: httpx2.AsyncClient
    clock: Clock
    meter: Callable[[Pace], Meter]
    mirror: Mirror


class DestinationKind(Struct, frozen=True, kw_only=True):
    """Describes one kind of destination. `credentials` names the secrets that it needs.

    `subscribed_events` returns the event kinds that the settings select; `secret_required_by` names, for some of them,
    the secret without which they are not sent. `build` raises ValueError for invalid settings or credentials.
    `check_health` asks the destination whether everything that the settings name exists, and returns a sentence for
    each fault, with what to do. `keeps_records`: it has one record for each prospect, so its attempts need what is
    known of that record. `optional_credentials` are secrets that a connection may do without. `plans_reminders`: it
    is told which reminders a meeting has. `purpose` says what it is for, `guide` how to get what the settings need, and
    `secrets` how its secrets are called: people read them in the form of its connection.
    """

    name: str
    settings: type[ConnectionSettings]
    credentials: tuple[str, ...]
    subscribed_events: Callable[[Any], frozenset[str]]
    build: Callable[[Any, Mapping[str, str], DestinationContext], Destination]
    check_health: Callable[[Any, Mapping[str, str], DestinationContext], Awaitable[list[str]]]
    secret_required_by: Mapping[str, str] = {}
    keeps_records: bool = False
    optional_credentials: tuple[str, ...] = ()
    plans_reminders: bool = False
    purpose: str = ""
    guide: tuple[str, ...] = ()
    secrets: Mapping[str, SecretWords] = {}

    @property
    def all_credentials(self) -> tuple[str, ...]:
        """Returns the names of all its secrets, each once."""
        return tuple(dict.fromkeys((*self.credentials, *self.optional_credentials, *self.secret_required_by.values())))

    def enabled_events(self, settings: ConnectionSettings, credentials: Mapping[str, Any]) -> frozenset[str]:
        """Returns the event kinds that it is sent, with these settings and secrets."""
        kinds: frozenset[str] = self.subscribed_events(settings)
        return kinds - {kind for kind, secret in self.secret_required_by.items() if not credentials.get(secret)}

    def parse_settings(self, settings: Mapping[str, Any]) -> ConnectionSettings:
        """Parses a connection's settings. Raises ValueError with a sentence that names the fault."""
        known = self.settings.__struct_fields__
        faults = []
        for name in settings:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(sorted(known))}"
                faults.append(f"{self.name} has no setting {name!r} ({hint})")
        required = [field.name for field in msgspec.structs.fields(self.settings) if field.required]
        if missing := [name for name in required if name not in settings]:
            names = f"setting{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
            faults.append(
                f"{self.name} needs the {names}: set under [{self.name}] in showup.toml, and restart Showup, "
                "or set with --setting"
            )
        if faults:
            raise InvalidSetting("; ".join(faults))
        try:
            return msgspec.convert(dict(settings), self.settings, strict=False)
        except msgspec.ValidationError as fault:
            raise _invalid_setting(self.name, fault) from None

    def unknown_secrets(self, credentials: Mapping[str, Any]) -> list[str]:
        """Returns the unknown secrets, such as misspelled ones."""
        return sorted(name for name in credentials if name not in self.all_credentials)

    def missing_secrets(self, credentials: Mapping[str, Any]) -> list[str]:
        """Returns the missing secrets."""
        return [name for name in self.credentials if not credentials.get(name)]


_SETTING: Final = re.compile(r"\w+")
_AT: Final = " - at `$."


def _invalid_setting(kind: str, fault: msgspec.ValidationError) -> InvalidSetting:
    """Returns msgspec's validation error as a sentence for a person, with the name of the setting where it is known."""
    # The last one: the error may quote the value, which is a user's text.
    what, found, path = str(fault).rpartition(_AT)
    if found and (setting := _SETTING.match(path)):
        return InvalidSetting(f"the setting {setting[0]} of {kind} is invalid ({what.replace('`', '')})", setting[0])
    because = f"the settings of {kind} are invalid ({fault})"
    cause = fault.__cause__
    return (
        InvalidSetting(because, cause.setting, str(cause))
        if isinstance(cause, InvalidSetting)
        else InvalidSetting(because)
    )
