"""Slack as a destination: posts a message, or updates the message of a question that was answered."""

from datetime import timedelta
from typing import Final

from showup.destinations.contract import Attempt, Content, Delivered, GaveUp, Notification, Outcome, Pace
from showup.destinations.slack.client import MESSAGE_NOT_FOUND, MISSING_SCOPE, PostedMessage, SlackClient
from showup.destinations.slack.render import render
from showup.destinations.slack.settings import SlackSettings
from showup.destinations.vendor_api import VendorError

# Slack accepts about one message a second per channel. The search before a repeated attempt has its own limit.
PACE: Final = Pace(
    rate_per_second=1,
    at_once=4,
    timeout=timedelta(seconds=20),
    retry_after=(timedelta(seconds=15), timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1)),
)
_NOTHING_POSTED: Final = Delivered(provider="slack")


class SlackDestination:
    """One workspace's Slack."""

    def __init__(self, api: SlackClient, settings: SlackSettings) -> None:
        self._api = api
        self._settings = settings

    @property
    def pace(self) -> Pace:
        return self._settings.override_pace(PACE)

    def render(self, notification: Notification) -> Content:
        return render(notification, self._settings.channel_of(notification.kind))

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            if attempt.content["do"] == "update":
                return await self._update(attempt)
            return await self._post(attempt)
        except VendorError as fault:
            return fault.outcome

    async def _post(self, attempt: Attempt) -> Outcome:
        content = await self._addressed(attempt.content)
        posted = await self._posted_before(attempt, content) if attempt.number > 1 else None
        if posted is None:
            posted = await self._api.post(attempt.delivery_id, content)
        return Delivered(provider="slack", reference=posted.ts, record=str(posted))

    async def _addressed(self, content: Content) -> Content:
        """Returns the content with its channel: the direct messages of the person whom it is to, if they are found.

        The channel of others sees only what is for them.
        """
        if content.get("to") is None:
            return content
        try:
            return content | {"channel": await self._api.direct_channel(content["to"])}
        except VendorError as fault:
            if isinstance(fault.outcome, GaveUp) or fault.code == MISSING_SCOPE:
                return content | {"blocks": content["shared_blocks"]}
            raise

    async def _posted_before(self, attempt: Attempt, content: Content) -> PostedMessage | None:
        """Returns the message that an earlier attempt posted.

        If the app may not read the channel, the message is posted again.
        """
        try:
            return await self._api.find(attempt.delivery_id, content["channel"], content.get("since"))
        except VendorError as fault:
            if isinstance(fault.outcome, GaveUp) or fault.code == MISSING_SCOPE:
                return None
            raise

    async def _update(self, attempt: Attempt) -> Outcome:
        if attempt.record is None:
            # The question was never posted, because a person answered it elsewhere first.
            return _NOTHING_POSTED
        posted = PostedMessage.from_record(attempt.record)
        try:
            await self._api.update(posted, attempt.content)
        except VendorError as fault:
            if fault.code == MESSAGE_NOT_FOUND:
                return _NOTHING_POSTED
            raise
        return Delivered(provider="slack", reference=posted.ts, record=attempt.record)
