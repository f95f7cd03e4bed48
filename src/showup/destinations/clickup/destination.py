"""ClickUp as a destination: one delivery finds its task, or makes it, and writes what the news says."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.clickup.answers import Refused
from showup.destinations.clickup.api import Api
from showup.destinations.clickup.copying import Copying
from showup.destinations.clickup.entry import Entry
from showup.destinations.clickup.finding import Finding, Found
from showup.destinations.clickup.guessing import Guess, guess
from showup.destinations.clickup.layouts import Layouts
from showup.destinations.clickup.render import render
from showup.destinations.clickup.settings import ClickUpSettings
from showup.destinations.clickup.writing import Writing
from showup.destinations.contract import (
    Asks,
    Attempt,
    Content,
    Delivered,
    GaveUp,
    Notice,
    Outcome,
    Pace,
    Question,
)
from showup.destinations.kind import Mirror

PACE = Pace(
    # A hundred a minute are everybody's, and some belong to whoever else uses the token.
    rate_per_second=1.5,
    # One after the other, or two bookings of one newcomer would make two leads.
    at_once=1,
    timeout=timedelta(seconds=25),
    retry_after=(
        *(timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30)),
        *(timedelta(hours=2), timedelta(hours=6), timedelta(hours=12)),
        # News is worth telling for a week.
        *(timedelta(hours=24), timedelta(hours=24), timedelta(hours=24), timedelta(hours=24)),
    ),
)


class ClickUp:
    """One workspace's ClickUp; `call` makes the `Api` of one attempt."""

    def __init__(
        self, call: Callable[[], Api], settings: ClickUpSettings, *, layouts: Layouts, mirror: Mirror, clock: Clock
    ) -> None:
        self._call = call
        self._settings = settings
        self._layouts = layouts
        self._mirror = mirror
        self._clock = clock
        self._spans = settings.spans()

    @property
    def pace(self) -> Pace:
        return self._settings.paced(PACE)

    def render(self, notice: Notice) -> Content:
        content: Content = msgspec.to_builtins(render(notice))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            entry = msgspec.convert(attempt.content, Entry)
        except msgspec.ValidationError as error:
            return GaveUp(because=f"the stored entry can't be read: {error}")
        began_at = self._clock()
        try:
            return await self._deliver(attempt, entry)
        except Refused as refused:
            if not (refused.may_be_old_news and self._layouts.forget(before=began_at)):
                return refused.outcome
        # With the lists as they are now; something may have been written already.
        try:
            return await self._deliver(replace(attempt, number=attempt.number + 1), entry)
        except Refused as refused:
            return refused.outcome

    async def _deliver(self, attempt: Attempt, entry: Entry) -> Outcome:
        api = self._call()
        copying = Copying(api, self._mirror, self._clock, at_most_old=self._spans.copy)
        finding = Finding(api, self._settings, self._layouts, self._clock)
        writing = Writing(api, self._settings)
        found = await finding.find(attempt, entry)
        if found is None:
            guessed = await self._guess(copying, finding, attempt, entry)
            if guessed.sure is not None and (task := await finding.standing(guessed.sure)) is not None:
                found = Found(task=task, by="email")
            elif guessed.candidates and (asks := self._asks(attempt, guessed)) is not None:
                return asks
            else:
                found = await self._made(api, finding, writing, entry, guessed, attempt)
        home = found.task.list.id or self._settings.newcomers
        layout = await self._layouts.of(api, home, self._clock())
        reference = await writing.follow(found, entry, layout, attempt)
        said = {"task": found.task.url, "list": layout.name, "found_by": found.by}
        return Delivered(provider="clickup", reference=reference, record=found.task.id, found=said)

    async def _guess(self, copying: Copying, finding: Finding, attempt: Attempt, entry: Entry) -> Guess:
        question = attempt.question
        if question is not None:
            # Whoever chose has looked at them: what nobody chose is named in the lead only where nobody answered.
            return Guess(candidates=() if question.answered_by else question.candidates)
        if not self._settings.name_search:
            return Guess()
        return await guess(finding, copying, self._mirror, self._settings.every_list, entry)

    def _asks(self, attempt: Attempt, guessed: Guess) -> Asks | None:
        now = self._clock()
        question = attempt.question
        if question is None:
            question = Question(candidates=guessed.candidates, until=now + self._spans.answer)
        if not attempt.can_ask or question.until <= now:
            return None
        return Asks(
            because="nobody in ClickUp has this email, but somebody has the name: who is it?", question=question
        )

    async def _made(
        self, api: Api, finding: Finding, writing: Writing, entry: Entry, guessed: Guess, attempt: Attempt
    ) -> Found:
        newcomers = self._settings.newcomers
        field = await finding.email_field(newcomers) if entry.email else None
        layout = await self._layouts.of(api, newcomers, self._clock())
        task = await writing.lead(entry, layout, field, guessed.candidates, attempt)
        return Found(task=task, by="nothing: it is a new lead", is_new=True)
