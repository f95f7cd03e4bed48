"""The list of leads who answered: the people whom the funnel counts as replied or interested, one row for each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from showup.access.teammate import Session
from showup.database.tables import campaign_leads
from showup.reads.funnel_answers import (
    UNDATED,
    AnsweredLeads,
    count_leads_who_answered,
    list_leads_who_answered,
)
from showup.reads.funnel_mails import Answer
from showup.reads.rows import Item
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

_ANSWERS: Final = (Choice("replied", "replied"), Choice("interested", "interested"))


class AnswerListQuery(FunnelListQuery):
    """The fields of the address of `/answers`: `answer` is a step of the funnel; the others are its filters."""

    answer: Answer = "replied"


class ListedAnswer(Struct, frozen=True, kw_only=True):
    """A lead as their row shows them. `path`: of the person, if they booked; `at`: None where the time is unknown."""

    answer: Item
    who: str
    path: str | None
    when: str
    is_dated: bool
    mail: str


class AnswerList(RecordList[AnswerListQuery, AnsweredLeads]):
    """Leads who replied to a campaign, or were interested."""

    noun = "answers"
    singular = "answer"
    title = "Leads who answered"
    placeholder = ""
    nothing = "A lead who replies to a campaign appears here."
    is_selectable = False
    columns = (
        Column(title="Who"),
        Column(title="Answered", sort="at", is_latest_first=True),
        Column(title="Mail", css="by-cell"),
        Column(title="Campaign", css="src"),
    )
    csv_header = ("name", "email", "company", "campaign", "answered", "mail", "sender")
    query_type = AnswerListQuery
    reads = Reads(
        page=list_leads_who_answered,
        count=count_leads_who_answered,
        sorts={"at": campaign_leads.c.replied_at},
        filter_type=AnsweredLeads,
    )

    def filter_of(self, query: AnswerListQuery, reader: Reader) -> AnsweredLeads:
        """Return the funnel's filter, and its step."""
        return AnsweredLeads(wanted=query.funnel_filter(reader), answer=query.answer, now=reader.viewer.now)

    async def filters(self, reader: Reader, address: Address, choices: Choices) -> Sequence[Filter]:
        """Return the filters of the funnel."""
        return (
            Filter(name="answer", label="Answer", choices=_ANSWERS),
            Filter(name="source", label="Source", choices=SOURCES),
            *PERIOD_FILTERS,
            await campaign_filter(reader, address),
        )

    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:
        """Return the views of answers."""
        return {"Replied": {}, "Interested": {"answer": "interested"}}

    async def rows(self, reader: Reader, items: Sequence[Item], choices: Choices) -> Sequence[ListedAnswer]:
        """Return the rows."""
        return [
            ListedAnswer(
                answer=one,
                who=one["name"] or one["email"],
                path=None if one["record_id"] is None else f"people/{one['record_id']}",
                when=reader.viewer.day(one["at"]),
                is_dated=one["at"] != UNDATED,
                mail=f"mail {one['step']}" if one["step"] else "",
            )
            for one in items
        ]

    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a lead."""
        at = "" if item["at"] == UNDATED else item["at"]
        names = ("name", "email", "company", "campaign")
        return [cell(one) for one in (*(item[name] for name in names), at, item["step"], item["sender_email"])]


ANSWERS: Final[RecordList[Any, Any]] = AnswerList()
