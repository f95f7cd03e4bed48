"""What the pipeline board shows, as values that its template needs no logic for."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.analysis.distribution import format_hours
from showup.analysis.movement import Stage
from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.reads.board import (
    MAX_CARDS,
    BoardFilter,
    BoardPage,
    BoardPlace,
    Closed,
    closed_since,
    list_campaigns,
    owner_names,
    read_board,
)
from showup.reads.board_cards import load_cards
from showup.reads.deal_sums import NOBODY, Sum, amounts_of
from showup.reads.rates import FEW, rate_of
from showup.reads.stage_stays import stage_stays
from showup.web.dashboard import words
from showup.web.dashboard.deal_card import CardView, card_view
from showup.web.dashboard.words import Viewer

PAGE_CARDS: Final = 50
_MAX_OWNERS: Final = 50
_MAX_VALUE: Final = 320
_MAX_DIGITS: Final = 18
RowKind: TypeAlias = Literal["owner", "campaign"]


class BoardQuery(Struct, frozen=True, kw_only=True):
    """The board's address: its filters, and the stage that shows more cards than a page."""

    filters: BoardFilter = BoardFilter()
    stage: str | None = None
    cards: int = PAGE_CARDS

    def path(self, **changes: str | int | None) -> str:
        """Return the query string with these values changed; None removes one. Empty without any."""
        values: dict[str, str | int | None] = {
            "owner": self.filters.owner,
            "campaign": self.filters.campaign_id,
            "next": "none" if self.filters.without_meeting else None,
            "stage": self.stage,
            "cards": self.cards if self.stage else None,
        }
        kept = {name: value for name, value in (values | changes).items() if value is not None}
        return f"?{urlencode(kept)}" if kept else ""


class BoardOption(Struct, frozen=True, kw_only=True):
    """A value of a filter: its words and the address of the board with it."""

    label: str
    path: str
    is_chosen: bool


class Refused(Struct, frozen=True, kw_only=True):
    """Why a move was refused, and the deal to open instead. `place`: the stage or status that it was dropped on."""

    title: str
    because: str
    place: str
    other_deal: UUID | None = None


class BoardColumn(Struct, frozen=True, kw_only=True):
    """A stage. `note`: the share that goes on and the usual stay. `hidden`: how many more it has, None if unknown.

    `more`: the path that shows the next cards.
    """

    stage: str
    share: float
    deals: int
    sample: int
    amounts: Sequence[str]
    note: str
    cards: Sequence[CardView]
    hidden: int | None
    hidden_amounts: str
    more: str | None


class Board(Struct, frozen=True, kw_only=True):
    """The page. `without_meeting`: how many real deals have no meeting ahead; None if unknown."""

    query: BoardQuery
    columns: Sequence[BoardColumn]
    deals: int
    amounts: Sequence[str]
    without_meeting: int | None
    closed: Sequence[Closed]
    month: str
    owners: Sequence[BoardOption]
    owner: str | None
    campaigns: Sequence[BoardOption]
    campaign: str | None
    is_filtered: bool


async def build_board(tx: AsyncConnection, session: Session, viewer: Viewer, query: BoardQuery) -> Board:
    """Read and arrange the page."""
    permission, now, filters = session.permission, viewer.now, query.filters
    connection = await driver_connection(tx)
    stages = (await in_force(connection, session.workspace.id)).newest.stages
    page = BoardPage(cards=PAGE_CARDS, stage=query.stage, stage_cards=query.cards)
    found = await read_board(tx, permission, filters, page, now)
    sums, places = found.sums, found.places
    # A stage that the rules no longer have is shown while it has deals.
    stages = (*stages, *sorted({one.stage for one in sums} - {*stages}))
    cards = await load_cards(tx, permission, [one.deal_id for one in places], now)
    stays = await stage_stays(tx, permission, now)
    month = viewer.local(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    wanted = [one for one in sums if filters.owner in (None, one.owner)]
    can_write = permission.allows("write")
    columns = []
    for position, stage in enumerate(stages):
        own = [one for one in wanted if one.stage == stage]
        listed = [cards[one.deal_id] for one in places if one.stage == stage and one.deal_id in cards]
        shown = [card_view(one, viewer, stays.get(stage), can_write=can_write) for one in listed]
        columns.append(_column(query, stage, position / max(len(stages) - 1, 1), own, shown, stays.get(stage)))
    real = [one for one in wanted if not one.simulated]
    campaigns = await list_campaigns(tx, permission)
    emails = sorted({one.owner for one in sums if one.owner != NOBODY})[:_MAX_OWNERS]
    names = await owner_names(tx, permission, emails)
    names[NOBODY] = "nobody"
    return Board(
        query=query,
        columns=columns,
        deals=sum(one.deals for one in real),
        amounts=words.sums(amounts_of(real)),
        without_meeting=_without_meeting(real, places),
        closed=await closed_since(tx, permission, month, filters.owner),
        month=f"{month:%B}",
        owners=_options(query, "owner", [(one, names.get(one, one)) for one in [*emails, NOBODY]], filters.owner),
        owner=None if filters.owner is None else names.get(filters.owner, filters.owner),
        campaigns=_options(query, "campaign", [(str(number), name) for number, name in campaigns], filters.campaign_id),
        campaign=next((name for number, name in campaigns if number == filters.campaign_id), None),
        is_filtered=filters != BoardFilter(),
    )


def _without_meeting(sums: Sequence[Sum], places: Sequence[BoardPlace]) -> int | None:
    ahead = {one.stage: one.ahead for one in places}
    known = [number for number in ahead.values() if number is not None]
    return max(sum(one.deals for one in sums) - sum(known), 0) if len(known) == len(ahead) else None


def _options(
    query: BoardQuery, name: RowKind, values: Sequence[tuple[str, str]], chosen: str | int | None
) -> list[BoardOption]:
    everything = BoardOption(
        label="anyone" if name == "owner" else "any", path=query.path(**{name: None}), is_chosen=chosen is None
    )
    return [
        everything,
        *(
            BoardOption(label=label, path=query.path(**{name: value}), is_chosen=str(chosen) == value)
            for value, label in values
        ),
    ]


def _column(  # what is known of a stage
    query: BoardQuery,
    stage: str,
    share: float,
    sums: Sequence[Sum],
    cards: Sequence[CardView],
    stay: Stage | None,
) -> BoardColumn:
    real = [one for one in sums if not one.simulated]
    deals, sample = sum(one.deals for one in real), sum(one.deals for one in sums if one.simulated)
    amounts = amounts_of(real)
    shown: dict[str, Decimal] = {}
    for card in cards:
        if card.card.amount is not None and card.card.currency and not card.card.simulated:
            shown[card.card.currency] = shown.get(card.card.currency, Decimal(0)) + card.card.amount
    rest = {currency: amount - shown.get(currency, Decimal(0)) for currency, amount in amounts.items()}
    rest = {currency: amount for currency, amount in rest.items() if amount > 0}
    # The sums know nothing of the filter by meetings: whether more follow shows the length of the page.
    is_known = not query.filters.without_meeting
    hidden = max(deals + sample - len(cards), 0) if is_known else None
    shown_most = query.cards if stage == query.stage else PAGE_CARDS
    has_more = hidden != 0 and len(cards) >= shown_most and shown_most < MAX_CARDS
    return BoardColumn(
        stage=stage,
        share=share,
        deals=deals,
        sample=sample,
        amounts=words.sums(amounts),
        note=_note(stay),
        cards=cards,
        hidden=hidden,
        hidden_amounts=" and ".join(words.sums(rest)) or "no amount yet",
        more=query.path(stage=stage, cards=shown_most + PAGE_CARDS) if has_more else None,
    )


def _note(stay: Stage | None) -> str:
    """Return the share that goes on and the usual stay, or that too few have left the stage."""
    left = None if stay is None else rate_of(stay.moved_on.part, stay.moved_on.total)
    if stay is None or left is None or left.total < FEW or stay.time.median_hours is None:
        return "too few yet to say how long"
    share = f"{words.percent(left.value)} {words.plus_minus(left.margin)}"
    return f"{share} go on, half within {format_hours(max(stay.time.median_hours, 1))}"


def query_of(values: Mapping[str, str]) -> BoardQuery:
    """Return the board's query from an address or a form; values that are none are ignored."""
    texts = {name: value.replace("\0", "")[:_MAX_VALUE] for name, value in values.items()}
    stage, cards = texts.get("stage") or None, _number(texts.get("cards", ""))
    return BoardQuery(
        filters=BoardFilter(
            owner=texts.get("owner") or None,
            campaign_id=_number(texts.get("campaign", "")),
            without_meeting=texts.get("next") == "none",
        ),
        stage=stage,
        cards=PAGE_CARDS if stage is None or cards is None else min(max(cards, PAGE_CARDS), MAX_CARDS),
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
