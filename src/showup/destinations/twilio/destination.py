"""Twilio as a destination: one message for one reminder, looked for before it is sent a second time."""

from datetime import timedelta
from typing import Final

import msgspec

from showup.destinations.contract import Attempt, Content, GaveUp, Notice, Outcome, Pace, TryAgain
from showup.destinations.kind import Meter, OverLimit
from showup.destinations.twilio.api import TwilioApi
from showup.destinations.twilio.render import Renderer
from showup.destinations.twilio.text_message import TextMessage

PACE: Final = Pace(
    rate_per_second=5,
    at_once=5,
    timeout=timedelta(seconds=20),
    # What reminds of a meeting in two hours is of no use much later.
    retry_after=(timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)),
)


class Twilio:
    """One workspace's text messages."""

    def __init__(self, renderer: Renderer, api: TwilioApi, meter: Meter, pace: Pace) -> None:
        self._renderer = renderer
        self._api = api
        self._meter = meter
        self._pace = pace

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notice: Notice) -> Content:
        content: Content = msgspec.to_builtins(self._renderer.render(notice))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            message = msgspec.convert(attempt.content, TextMessage)
        except msgspec.ValidationError as fault:
            return GaveUp(because=f"the stored message can't be read: {fault}")
        if attempt.number == 1:
            return await self._api.send(message)
        try:
            found = await self._api.find(message)
            if found is not None:
                return found
            await self._meter.take()
        except OverLimit as fault:
            because = "more calls of Twilio are waiting than it takes for now"
            return TryAgain(because=because, not_before=fault.not_before, fault="limit")
        return await self._api.send(message)
