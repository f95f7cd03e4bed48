"""What the page Funnel shows: a sentence, the steps with their rates, what became of the booked, and campaigns."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import urlencode

from msgspec import Struct

from showup.campaigns.funnel import RATES, STEPS
from showup.reads.funnel_leads import Counted
from showup.reads.rates import Rate, rate_of
from showup.reads.rows import Item
from showup.web.dashboard.charts import LensFunnel, Span, lens_funnel, on_line, stacked
from showup.web.dashboard.doubt import RateChange, change_words, held_words, margin_words, rate_words, step_rate_words
from showup.web.dashboard.periods import Period
from showup.web.dashboard.words import count

_RATE_OF: Final = {
    "delivered": "delivery_rate",
    "replied": "reply_rate",
    "interested": "interest_rate",
    "booked": "booking_rate",
    "showed": "show_rate",
}
# What more and less of a rate means, as the sentence says it.
_SAYS: Final = {
    "delivery_rate": ("More mails arrive", "Fewer mails arrive"),
    "reply_rate": ("More people reply", "Fewer people reply"),
    "interest_rate": ("More of those who reply are interested", "Fewer of those who reply are interested"),
    "booking_rate": ("More of the interested book", "Fewer of the interested book"),
    "held_rate": ("More of the reported meetings were held", "Fewer of the reported meetings were held"),
}
# What became of those who booked: its name in the split and in `/leads`, texture, mark and words.
_FATES: Final[Sequence[tuple[Counted, str, str, str]]] = (
    ("showed_reported", "good", "showed", "showed"),
    ("showed_assumed", "assumed", "assumed", "assumed, by the clock"),
    ("unreported", "open", "unreported", "nobody has said"),
    ("upcoming", "upcoming", "upcoming", "to come"),
    ("no_show", "bad", "noshow", "no-show"),
    ("host_absent", "host", "host", "host absent"),
)
_STEPS_LISTED: Final[Mapping[str, Sequence[Counted]]] = {
    "booked": ["booked"],
    "showed": ["showed_reported", "showed_assumed"],
}
_ANSWERED: Final = frozenset({"replied", "interested"})
Rank = Literal["sure", "counted"]


class StepRow(Struct, frozen=True, kw_only=True):
    """A step: its count, its rate with doubt, and what the rate was.

    `list_path` leads to the people it counts; None where it counts mails, of which Showup has no rows.
    """

    name: str
    number: int | None
    rate: str
    margin: str
    change: RateChange
    list_path: str | None


class Fate(Struct, frozen=True, kw_only=True):
    """A part of those who booked: its texture, its mark, and the query of its list."""

    number: int
    texture: str
    mark: str
    words: str
    span: Span
    list_query: str


class HeldView(Struct, frozen=True, kw_only=True):
    """The held rate. `reach` is where it lies whatever the open ones turn out to be, as a part of the line."""

    rate: Rate | None
    words: str
    change: RateChange
    before: float | None
    open: int
    reported_query: str
    open_query: str
    bounds: tuple[float, float] | None
    reach: Span | None


class CampaignRow(Struct, frozen=True, kw_only=True):
    """A campaign of the table. `per_1000`: how many booked for 1,000 mails. The queries lead to their lists."""

    name: str
    query: str | None
    sent: int | None
    replied: str
    booked: int
    per_1000: str
    held: Rate | None
    held_words: str
    showed: int
    booked_query: str
    showed_query: str


class FunnelView(Struct, frozen=True, kw_only=True):
    """The page."""

    headline: str
    comparison: str
    steps: Sequence[StepRow]
    chart: LensFunnel | None
    people: int
    fates: Sequence[Fate]
    held: HeldView
    campaigns: Sequence[CampaignRow]
    total: CampaignRow
    omitted: int


def build_funnel(
    funnel: Item, period: Period, *, rank: Rank, campaign_query: Any, list_params: Mapping[str, Sequence[str]]
) -> FunnelView:
    """Arrange the answer of `describe_funnel`, grouped by campaign.

    `campaign_query` makes the query that filters by a campaign; `list_params` are the filters of `/leads`.
    """
    previous = funnel["previous"]
    split = funnel["split"]
    links = _ListQueries(list_params, period)
    numbers = [split[name] for name, *_ in _FATES]
    rows = [_campaign_row(one, campaign_query, links) for one in funnel["items"] if one["sent"] or one["booked"]]
    return FunnelView(
        headline=_headline(funnel),
        comparison=_comparison(previous, period),
        steps=[_step(step, funnel, previous, links) for step in STEPS],
        chart=None
        if funnel["sent"] is None
        else lens_funnel({step: funnel[step] for step in STEPS}, assumed=split["showed_assumed"]),
        people=sum(numbers),
        fates=[
            Fate(number=number, texture=texture, mark=mark, words=words, span=span, list_query=links.of([name]))
            for (name, texture, mark, words), number, span in zip(_FATES, numbers, stacked(numbers), strict=True)
        ],
        held=_held(funnel, previous, links),
        campaigns=sorted(rows, key=_sure if rank == "sure" else _counted),
        total=_campaign_row({**funnel, "group": {"campaign": {"id": None, "name": "All"}}}, None, links),
        omitted=funnel["omitted"],
    )


class _ListQueries:
    """The queries of `/leads` that the numbers lead to."""

    def __init__(self, params: Mapping[str, Sequence[str]], period: Period) -> None:
        days = {"since": period.since, "until": period.until}
        self._params = params
        self._days = {name: day.isoformat() for name, day in days.items() if day is not None}

    def of(self, counted: Sequence[Counted], **changes: str) -> str:
        """Return the query of those whom these numbers count."""
        return "?" + urlencode({**self._params, **self._days, **changes, "counted": counted}, doseq=True)

    def of_step(self, step: str) -> str | None:
        """Return the path of those whom a step counts; None for mails."""
        if step in _ANSWERED:
            return "answers?" + urlencode({**self._params, **self._days, "answer": step}, doseq=True)
        return f"leads{self.of(_STEPS_LISTED[step])}" if step in _STEPS_LISTED else None


def _headline(funnel: Item) -> str:
    sent, showed, booked = funnel["sent"], funnel["showed"], funnel["booked"]
    if sent is None:
        return f"Of {count(booked, 'person', 'people')} who booked, {showed:,} showed."
    if not sent and not booked:
        return "No campaign sent a mail or brought a booking in this time."
    if not showed:
        return f"{count(sent, 'mail')}, and nobody has shown yet."
    if not sent:
        return f"{count(showed, 'person', 'people')} showed."
    mails = round(sent / showed)
    return f"One person showed for every {mails:,} mails." if mails > 1 else "One person showed for each mail."


def _comparison(previous: Item | None, period: Period) -> str:
    if previous is None:
        return ""
    changes = {name: previous["changes"].get(name) for name in _SAYS}
    known = {name: one for name, one in changes.items() if one is not None and one["beyond_chance"] is not None}
    if not known:
        return f"There is too little in {period.before} to compare with."
    real = [_SAYS[name][one["difference"] < 0] for name, one in known.items() if one["beyond_chance"]]
    if not real:
        return f"Compared with {period.before}, every change could be chance."
    sentence = " and ".join([", ".join(real[:-1]), real[-1]]) if len(real) > 1 else real[0]
    sentence = sentence[:1] + sentence[1:].replace(", Fewer", ", fewer").replace(", More", ", more")
    sentence = sentence.replace(" and Fewer", " and fewer").replace(" and More", " and more")
    rest = "" if len(real) == len(known) else " Every other change could be chance."
    return f"{sentence} than in {period.before}, and that is more than chance.{rest}"


def _step(step: str, funnel: Item, previous: Item | None, links: _ListQueries) -> StepRow:
    name = _RATE_OF.get(step)
    rate, margin, change = "", "", RateChange(words="", tone="")
    if name is not None and funnel[name] is not None:
        rate, margin = _rate_with_doubt(funnel, name)
        if previous is not None:
            change = change_words(previous[name], previous["changes"][name], now=rate)
    return StepRow(
        name=step.capitalize(),
        number=funnel[step],
        rate=rate,
        margin=margin,
        change=change,
        list_path=links.of_step(step),
    )


def _rate_with_doubt(funnel: Item, name: str) -> tuple[str, str]:
    """Return a rate and its doubt; no doubt where more people do the later step than the earlier one."""
    part, total = (funnel[step] for step in RATES[name])  # type: ignore[index]  # a name of RATES
    one = rate_of(part, total) if part <= total else None
    return (rate_words(funnel[name]), "") if one is None else (step_rate_words(one), margin_words(one))


def _held(funnel: Item, previous: Item | None, links: _ListQueries) -> HeldView:
    held = funnel["held_rate"]
    rate = rate_of(held["showed_reported"], held["of"])
    before = None if previous is None else previous["held_rate"]["rate"]
    difference = None if previous is None else previous["changes"]["held_rate"]
    bounds = held["bounds"]
    return HeldView(
        rate=rate,
        words=held_words(rate),
        change=change_words(before, difference, says_chance=True),
        before=before,
        open=funnel["split"]["showed_assumed"] + funnel["split"]["unreported"],
        reported_query=links.of(["held", "missed"]),
        open_query=links.of(["showed_assumed", "unreported"]),
        bounds=bounds,
        reach=None if bounds is None or bounds[0] == bounds[1] else on_line(*bounds),
    )


def _campaign_row(item: Item, campaign_query: Any, links: _ListQueries) -> CampaignRow:
    campaign = item["group"]["campaign"] or {"id": None, "name": "No campaign"}
    own = {} if campaign["id"] is None else {"campaign_id": str(campaign["id"])}
    held = item["held_rate"]
    rate = rate_of(held["showed_reported"], held["of"])
    sent, booked = None if campaign["id"] is None else item["sent"], item["booked"]
    return CampaignRow(
        name=campaign["name"],
        query=None if campaign["id"] is None or campaign_query is None else campaign_query(str(campaign["id"])),
        sent=sent,
        replied="–" if item["reply_rate"] is None else rate_words(item["reply_rate"]),
        booked=booked,
        per_1000="–" if not sent else f"{1000 * booked / sent:.1f}",
        held=rate,
        held_words=held_words(rate),
        showed=item["showed"],
        booked_query=links.of(_STEPS_LISTED["booked"], **own),
        showed_query=links.of(_STEPS_LISTED["showed"], **own),
    )


def _sure(row: CampaignRow) -> tuple[float, int]:
    """Sort by what is sure: the lower end of the interval."""
    return (1.0 if row.held is None else -row.held.low), -row.showed


def _counted(row: CampaignRow) -> tuple[float, int]:
    """Sort by what was counted: the rate itself."""
    return (1.0 if row.held is None else -row.held.value), -row.showed
