"""The list of who booked: the people whom a number of the funnel counts, one row for each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from showup.access.teammate import Session
from showup.database.tables import funnel_people
from showup.reads.agenda import State
from showup.reads.deal_meetings import WORDS
from showup.reads.funnel_filter import UNKNOWN
from showup.reads.funnel_leads import Counted, CountedLeads, count_leads_who_booked, list_leads_who_booked
from showup.reads.rows import Item
from showup.values.email_address import normalize_email
from showup.web.dashboard.lists.address import Address, Choice, Filter
from showup.web.dashboard.lists.booking_list import campaign_filter
from showup.web.dashboard.lists.funnel_list import PERIOD_FILTERS, SOURCES, FunnelListQuery
from showup.web.dashboard.lists.record_list import (
    Choices,
    Column,
    Reader,
    Reads,
    RecordList,
    cell,
)
from showup.web.dashboard.words import TheirTime, Viewer, their_time
from showup.web.http.query_params import ShortText, any_of

_COUNTED: Final[Mapping[Counted, str]] = {
    "booked": "booked",
    "showed_reported": "showed, reported",
    "showed_assumed": "assumed, by the clock",
    "no_show": "no-show",
    "host_absent": "host absent",
    "unreported": "not known",
    "upcoming": "to come",
    "held": "last reported meeting held",
    "missed": "last reported meeting missed",
}
_STATES: Final[Mapping[str, State]] = {
    "showed_reported": "showed",
    "showed_assumed": "assumed",
    "no_show": "noshow",
    "host_absent": "host",
}


class LeadListQuery(FunnelListQuery):
    """The fields of the address of `/leads`: `counted` are numbers of the funnel; the others are its filters."""

    counted: list[Counted] = any_of()
    organizer: list[ShortText] = any_of()


class ListedLead(Struct, frozen=True, kw_only=True):
    """A lead, or somebody whom no campaign brought, as their row shows them, with the meeting that counts."""

    lead: Item
    who: str
    path: str
    when: str
    their: TheirTime | None
    state: State
    words: str


class LeadList(RecordList[LeadListQuery, CountedLeads]):
    """People who booked, with what became of it: leads, or with the source `unknown` those whom no campaign brought."""

    noun = "leads"
    singular = "lead"
    title = "People who booked"
    placeholder = ""
    nothing = "A lead of a campaign who books appears here."
    is_selectable = False
    columns = (
        Column(title="Who"),
        Column(title="Meeting", css="kind-cell"),
        Column(title="When", sort="at", is_latest_first=True),
        Column(title="Attendance"),
        Column(title="Campaign", css="src"),
        Column(title="Booked", css="upd", is_number=True),
    )
    csv_header = ("name", "email", "company", "campaign", "start", "outcome", "booked", "organizer", "booking_id")
    query_type = LeadListQuery
    reads = Reads(
        page=list_leads_who_booked,
        count=count_leads_who_booked,
        sorts={"at": funnel_people.c.at},
        filter_type=CountedLeads,
    )

    def filter_of(self, query: LeadListQuery, reader: Reader) -> CountedLeads:
        """Return the funnel's filter, and its numbers."""
        wanted = query.funnel_filter(reader, organizers=[normalize_email(one) for one in query.organizer])
        return CountedLeads(wanted=wanted, counted=query.counted or ["booked"], now=reader.viewer.now)

    async def filters(self, reader: Reader, address: Address, choices: Choices) -> Sequence[Filter]:
        """Return the filters of the funnel."""
        counted = [Choice(name, words) for name, words in _COUNTED.items()]
        return (
            Filter(name="counted", label="What became of it", form="many", choices=counted),
            Filter(name="organizer", label="Organizer", choices=[Choice(*one) for one in choices.owners.items()]),
            Filter(name="source", label="Source", choices=(*SOURCES, Choice(UNKNOWN, "no campaign"))),
            *PERIOD_FILTERS,
            Filter(name="simulated", label="Sample", choices=(Choice("true", "only"), Choice("all", "included"))),
            await campaign_filter(reader, address),
        )

    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:
        """Return the views of leads."""
        return {"All": {}, "To come": {"counted": "upcoming", "sort": "at"}, "Not known": {"counted": "unreported"}}

    async def rows(self, reader: Reader, items: Sequence[Item], choices: Choices) -> Sequence[ListedLead]:
        """Return the rows."""
        return [_row(one, reader.viewer) for one in items]

    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a lead."""
        names = ("name", "email", "company", "campaign", "start_time", "outcome", "booked_at", "organizer_email")
        return [cell(item[name]) for name in (*names, "booking_id")]


def _row(lead: Item, viewer: Viewer) -> ListedLead:
    state = _STATES.get(lead["outcome"]) or ("upcoming" if lead["over_at"] > viewer.now else "unreported")
    record = lead["record_id"]
    return ListedLead(
        lead=lead,
        who=lead["name"] or lead["email"] or lead["phone"] or "Somebody",
        path=f"bookings/{lead['booking_id']}" if record is None else f"people/{record}",
        when=f"{viewer.day(lead['start_time'])} {viewer.hour(lead['start_time'])}",
        their=their_time(viewer, lead["start_time"], lead["time_zone"]),
        state=state,
        words=WORDS[state],
    )


LEADS: Final[RecordList[Any, Any]] = LeadList()
