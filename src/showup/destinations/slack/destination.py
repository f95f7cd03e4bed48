"""Slack as a destination: it posts, or changes the message of a question that has its answer."""

from datetime import timedelta
from typing import Final

from showup.destinations.contract import Attempt, Content, Delivered, GaveUp, Notice, Outcome, Pace
from showup.destinations.slack.answers import MISSING_SCOPE, NotDone
from showup.destinations.slack.api import Posted, SlackApi
from showup.destinations.slack.render import rendered
from showup.destinations.slack.settings import SlackSettings

# Slack takes about a message a second in each channel. A second call, where something may stand already, has a limit
# of its own there.
PACE: Final = Pace(
    rate_per_second=1,
    at_once=4,
    timeout=timedelta(seconds=20),
    retry_after=(timedelta(seconds=15), timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1)),
)
_TAKEN: Final = Delivered(provider="slack")


class SlackDestination:
    """One workspace's."""

    def __init__(self, api: SlackApi, settings: SlackSettings) -> None:
        self._api = api
        self._settings = settings

    @property
    def pace(self) -> Pace:
        return self._settings.paced(PACE)

    def render(self, notice: Notice) -> Content:
        return rendered(notice, self._settings.channel_of(notice.kind))

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            if attempt.content["do"] == "update":
                return await self._update(attempt)
            return await self._post(attempt)
        except NotDone as fault:
            return fault.outcome

    async def _post(self, attempt: Attempt) -> Outcome:
        posted = await self._posted_before(attempt) if attempt.number > 1 else None
        if posted is None:
            posted = await self._api.post(attempt.delivery_id, attempt.content)
        return Delivered(provider="slack", reference=posted.ts, record=str(posted))

    async def _posted_before(self, attempt: Attempt) -> Posted | None:
        """What an earlier attempt posted. Where the app may not look, it is posted again, rather than never."""
        content = attempt.content
        try:
            return await self._api.find(attempt.delivery_id, content["channel"], content.get("since"))
        except NotDone as fault:
            if isinstance(fault.outcome, GaveUp) or fault.error == MISSING_SCOPE:
                return None
            raise

    async def _update(self, attempt: Attempt) -> Outcome:
        if attempt.record is None:
            # The question was never posted: somebody decided elsewhere before.
            return _TAKEN
        posted = Posted.of(attempt.record)
        try:
            await self._api.update(posted, attempt.content)
        except NotDone as fault:
            if fault.error == "message_not_found":
                return _TAKEN
            raise
        return Delivered(provider="slack", reference=posted.ts, record=attempt.record)
