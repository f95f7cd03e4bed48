"""Twilio as a destination: one message per reminder; a repeated attempt looks for the message before it sends."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from showup.destinations.contract import Attempt, Content, GaveUp, Notification, Outcome, Pace
from showup.destinations.twilio.client import TwilioClient, blocked_number
from showup.destinations.twilio.render import TextMessage, TextMessageRenderer
from showup.destinations.vendor_api import VendorError

PACE: Final = Pace(
    rate_per_second=5,
    at_once=5,
    timeout=timedelta(seconds=20),
    # A reminder of a meeting in two hours is useless much later.
    retry_after=(timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)),
)


class Twilio:
    """One workspace's text messages; `make_client` makes the `TwilioClient` of one attempt."""

    def __init__(self, make_client: Callable[[], TwilioClient], renderer: TextMessageRenderer, pace: Pace) -> None:
        self._make_client = make_client
        self._renderer = renderer
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
        api = self._make_client()
        try:
            found = await api.find(message) if attempt.number > 1 else None
            return found or await api.send(message)
        except VendorError as error:
            if isinstance(error.outcome, GaveUp):
                return replace(error.outcome, blocked=blocked_number(error, message.to))
            return error.outcome
