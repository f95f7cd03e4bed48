"""Compare a batch's deal events with the stored ones: which companies' deals change, and from where on."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from showup.deals.deal import DealEvent
from showup.deals.store import DealEventTail

# These sort before and after every order key.
FIRST_KEY = ""
_LAST_KEY = "~"
# Requests by people about a company's deals: the replay of all deal events decides whether they are applied.
REQUESTED_KINDS = frozenset({"opened", "changed", "attached"})


class StreamDealEvents(Struct, frozen=True, kw_only=True):
    """The deal events of one event stream, and its company now and before.

    `booking_id`: the booking with seats of this company, if it is not the booking's own company.
    """

    stream_id: UUID
    company_id: UUID | None
    company_before: UUID | None
    deal_events: list[DealEvent]
    booking_id: UUID | None = None

    @property
    def companies(self) -> list[UUID]:
        """Return the current and previous companies of the stream."""
        return [one for one in {self.company_id, self.company_before} if one is not None]


def changed_companies(
    streams: Sequence[StreamDealEvents], stored: Mapping[UUID, Sequence[DealEvent]]
) -> dict[UUID, str]:
    """Return, by company with changed deal events, the order key from which its deals may differ.

    A company with unchanged deal events needs no replay; this is the usual case. Manual deal events always need one,
    from the beginning, because moving a booking removes audit entries of a deal.
    """
    stored_by_stream = _stored_by_stream(streams, stored)
    since: dict[UUID, str] = {}
    for stream in streams:
        before = stored_by_stream[stream.stream_id]
        unchanged = _unchanged_count(stream, before)
        keys = [deal_event.order_key for deal_event in (*before[unchanged:], *stream.deal_events[unchanged:])]
        if keys or stream.company_id != stream.company_before or _has_requests(stream.deal_events):
            for company in stream.companies:
                since[company] = min([*keys, since.get(company, _LAST_KEY)])
    requested = {one for stream in streams if _has_requests(stream.deal_events) for one in stream.companies}
    requested |= {one for one in since if _has_requests(stored.get(one, ()))}
    return since | dict.fromkeys(requested, FIRST_KEY)


def changed_tails(
    streams: Sequence[StreamDealEvents], stored: Mapping[UUID, Sequence[DealEvent]]
) -> list[DealEventTail]:
    """Return the part of each stream's deal events that must be rewritten."""
    stored_by_stream = _stored_by_stream(streams, stored)
    tails = []
    for stream in streams:
        before = stored_by_stream[stream.stream_id]
        unchanged = _unchanged_count(stream, before)
        if stream.deal_events[unchanged:] or before[unchanged:]:
            tails.append(
                DealEventTail(
                    stream_id=stream.stream_id,
                    company_id=stream.company_id,
                    booking_id=stream.booking_id,
                    position=unchanged,
                    deal_events=stream.deal_events[unchanged:],
                )
            )
    return tails


def _stored_by_stream(
    streams: Iterable[StreamDealEvents], stored: Mapping[UUID, Iterable[DealEvent]]
) -> Mapping[UUID, list[DealEvent]]:
    """Return the stored deal events of these streams, selected from all those of their companies."""
    by_stream: dict[UUID, list[DealEvent]] = {stream.stream_id: [] for stream in streams}
    for deal_events in stored.values():
        for deal_event in deal_events:
            if deal_event.stream_id in by_stream:
                by_stream[deal_event.stream_id].append(deal_event)
    return by_stream


def _unchanged_count(stream: StreamDealEvents, before: Sequence[DealEvent]) -> int:
    """Return how many of the first deal events are unchanged."""
    if stream.company_id != stream.company_before:
        return 0
    pairs = enumerate(zip(before, stream.deal_events, strict=False))
    return next((index for index, (old, new) in pairs if old != new), min(len(before), len(stream.deal_events)))


def _has_requests(deal_events: Iterable[DealEvent]) -> bool:
    return any(deal_event.kind in REQUESTED_KINDS for deal_event in deal_events)
