"""Twilio as a destination: one message per reminder; a repeated attempt looks for the message before it sends."""

from datetime import timedelta
from typing import Final

import msgspec

from showup.destinations.contract import Attempt, Content, GaveUp, Notification, Outcome, Pace, TryAgain
from showup.destinations.destination_kind import Meter, OverLimit
from showup.destinations.twilio.client import TwilioClient
from showup.destinations.twilio.render import TextMessageRenderer
from showup.destinations.twilio.text_message import TextMessage

PACE: Final = Pace(
    rate_per_second=5,
    at_once=5,
    timeout=timedelta(seconds=20),
    # A reminder of a meeting in two hours is useless much later.
    retry_after=(timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)),
)


class Twilio:
    """One workspace's text messages."""

    def __init__(self, renderer: TextMessageRenderer, api: TwilioClient, meter: Meter, pace: Pace) -> None:
        self._renderer = renderer
        self._api = api
        self._meter = meter
        self._pace = pace

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notification: Notification) -> Content:
        content: Content = msgspec.to_builtins(self._renderer.render(notification))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            message = msgspec.convert(attempt.content, TextMessage)
        except msgspec.ValidationError as fault:
            return GaveUp(because=f"the stored message is invalid: {fault}")
        if attempt.number == 1:
            return await self._api.send(message)
        try:
            found = await self._api.find(message)
            if found is not None:
                return found
            await self._meter.take()
        except OverLimit as fault:
            because = "too many calls to Twilio are waiting for its rate limit"
            return TryAgain(because=because, not_before=fault.not_before, fault="limit")
        return await self._api.send(message)
