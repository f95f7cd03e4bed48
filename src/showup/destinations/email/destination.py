"""Mail as a destination: a renderer writes it once, a carrier takes it."""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from showup.destinations.contract import Attempt, Content, GaveUp, Notice, Outcome, Pace
from showup.destinations.email.mail import Mail


class Renderer(Protocol):
    """Writes the mail of a notice."""

    def render(self, notice: Notice) -> Mail:
        """The notice as a mail: pure. Raises CannotRender."""


class Carrier(Protocol):
    """Takes mail: Resend, an SMTP server, or the outbox."""

    def pace(self, retry_after: tuple[timedelta, ...]) -> Pace:
        """How it wants to be told, unless a user knows better; the pauses between attempts are the user's."""

    async def send(self, delivery_id: UUID, mail: Mail) -> Outcome:
        """One attempt; the id is the same at each."""


class EmailDestination:
    """One workspace's mail. Its content is a `Mail` in plain JSON values, so a later attempt sends the same words."""

    def __init__(self, renderer: Renderer, carrier: Carrier, *, pace: Pace) -> None:
        self._renderer = renderer
        self._carrier = carrier
        self._pace = pace

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notice: Notice) -> Content:
        content: Content = msgspec.to_builtins(self._renderer.render(notice))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            mail = msgspec.convert(attempt.content, Mail)
        except msgspec.ValidationError as error:
            return GaveUp(because=f"the stored mail can't be read: {error}")
        return await self._carrier.send(attempt.delivery_id, mail)
