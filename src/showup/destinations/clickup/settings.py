"""A ClickUp connection's settings: lists, the email field, and the names of the statuses."""

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Struct

from showup.destinations.clickup.render import SUBSCRIBED_EVENTS
from showup.destinations.destination_kind import ConnectionSettings, InvalidSetting
from showup.destinations.field_words import described
from showup.destinations.record_status import CANCELLED, CONFIRMED, NO_SHOW, RESCHEDULE_REQUESTED, SHOWED
from showup.values.duration import parse_short_duration
from showup.values.invalid_value import InvalidValue

# A question unanswered by then must still be delivered and retried before the event expires.
_MAX_ANSWER_WAIT = timedelta(days=3)
_STATUSES: Final = "Status of the task. Empty: the status stays as it is."


class ClickUpSettings(ConnectionSettings, frozen=True, kw_only=True):
    """The settings of a ClickUp connection.

    `lists` and `inbound_list` are ids of lists, as numbers or text; `lists` are searched in their order. `booked`,
    `cancelled`, `reschedule_requested`, `no_show` and `showed` name statuses; an empty name leaves a task's status
    unchanged. `confirmed_comment`: whether a task gets a comment when the attendee says that they will come.
    `answer_within` and `sync_every` are durations such as `4h` or `5m`.
    """

    lists: Annotated[
        tuple[str | int, ...],
        described(
            "Lists to search",
            "Ids of lists, one a line, in search order: the number at the end of a list’s link.",
            example="901200000001",
        ),
    ]
    inbound_list: Annotated[
        str | int, described("List for new leads", "Its id. It is searched last.", example="901200000003")
    ]
    email_field: Annotated[
        str, described("Field of the email", "The custom field by which tasks are found, in each list.")
    ] = "Email"
    booked: Annotated[str, described("Booked", group=_STATUSES)] = "Meeting Booked"
    cancelled: Annotated[str, described("Cancelled", group=_STATUSES)] = "Meeting Cancelled"
    reschedule_requested: Annotated[str, described("Host asks for another time", group=_STATUSES)] = ""
    no_show: Annotated[str, described("No-show", group=_STATUSES)] = ""
    showed: Annotated[str, described("Showed", group=_STATUSES)] = ""
    confirmed_comment: Annotated[bool, described("Comment when the attendee says that they will come")] = False
    answer_within: Annotated[
        str, described("Time to choose a task", "Such as 4h, at most 3d; then Showup creates a lead.", is_rare=True)
    ] = "4h"
    name_search: Annotated[bool, described("Search by name if no task has the email, and ask a person in Slack")] = True
    sync_every: Annotated[
        str, described("Copy the lists every", "Such as 5m: names and emails, for the search.", is_rare=True)
    ] = "5m"

    def __post_init__(self) -> None:
        if not self.lists:
            raise InvalidSetting("`lists` is empty: set at least one list id", "lists")
        for name, ids in (("lists", self.lists), ("inbound_list", (self.inbound_list,))):
            if invalid := [one for one in ids if not str(one).isdecimal()]:
                because = f"{invalid[0]!r} is not a list id: use the number at the end of the list's link"
                raise InvalidSetting(because, name)
        self.durations()

    @property
    def all_lists(self) -> tuple[str, ...]:
        """Returns all lists in search order; the list of new leads is the last."""
        return tuple(dict.fromkeys(str(one) for one in (*self.lists, self.inbound_list)))

    @property
    def new_lead_list(self) -> str:
        """Returns the list for new leads."""
        return str(self.inbound_list)

    def durations(self) -> "Durations":
        """Returns how long to wait for an answer, and the maximum age of the copy of the lists. Raises ValueError."""
        durations = Durations(
            answer=_duration("answer_within", self.answer_within), copy=_duration("sync_every", self.sync_every)
        )
        if durations.answer > _MAX_ANSWER_WAIT:
            because = (
                f"`answer_within` is {self.answer_within!r}: set at most 3d, because deliveries expire after a week"
            )
            raise InvalidSetting(because, "answer_within")
        return durations

    @property
    def events(self) -> frozenset[str]:
        """Returns the event kinds that it receives."""
        return SUBSCRIBED_EVENTS | {CONFIRMED} if self.confirmed_comment else SUBSCRIBED_EVENTS

    def status_for(self, event: str) -> str:
        """Returns a task's status after an event; empty: unchanged."""
        ended = {
            CANCELLED: self.cancelled,
            RESCHEDULE_REQUESTED: self.reschedule_requested,
            NO_SHOW: self.no_show,
            SHOWED: self.showed,
            CONFIRMED: "",
        }
        return ended.get(event, self.booked)

    @property
    def missed_statuses(self) -> tuple[str, ...]:
        """Returns the statuses of meetings that do not take place, or did not."""
        return tuple(filter(None, (self.cancelled, self.reschedule_requested, self.no_show)))

    @property
    def statuses(self) -> tuple[str, ...]:
        """Returns the statuses that every list must have."""
        return tuple(dict.fromkeys(filter(None, (self.booked, *self.missed_statuses, self.showed))))


class Durations(Struct, frozen=True, kw_only=True):
    """The parsed durations of the settings."""

    answer: timedelta
    copy: timedelta


def _duration(name: str, text: str) -> timedelta:
    try:
        return parse_short_duration(text)
    except InvalidValue as error:
        raise InvalidSetting(f"`{name}` is {text!r}: set {error.expected}", name) from error
