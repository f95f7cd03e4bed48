"""Opens the Cal.com accounts of the caller; an OAuth token is refreshed before it ends."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from msgspec import Struct

from showup.access import calcom_profiles_store
from showup.access.calcom_profile import CalcomProfile
from showup.assistant import calcom_oauth
from showup.assistant.tool_context import AssistantServices, ToolContext, ToolFailed
from showup.dispatch.destination_context import Clients
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.rate_limiter import RateLimiter

_CONNECT: Final = "Connect Cal.com at /settings/assistant, with an API key or by signing in."
_NO_OWNER: Final = (
    "This API key belongs to no teammate, so there is no calendar to look at. Create a key with"
    " `showup keys create NAME --scope read --teammate EMAIL`."
)
# A person waits for the answer: the client would try again for minutes.
_PATIENCE: Final = timedelta(seconds=20)
_MAX_LIMITERS: Final = 1_000


class OpenAccount(Struct, frozen=True, kw_only=True):
    """One account, and the client that speaks for it."""

    profile: CalcomProfile
    client: CalcomClient


@asynccontextmanager
async def open_accounts(context: ToolContext) -> AsyncIterator[list[OpenAccount]]:
    """Open all accounts of the caller that Cal.com accepts. Raises ToolFailed: no account, or Cal.com does not answer.

    Every call to Cal.com within the block ends after 20 seconds.
    """
    profiles = await _profiles(context)
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()), context.services.open_clients() as clients:
            yield [await _open(context.services, clients, profile) for profile in profiles]
    except CalcomRefused as refused:
        raise ToolFailed(_refused(refused)) from None
    except CalcomUnavailable:
        raise ToolFailed("Cal.com does not answer as expected at the moment. Try again in a few minutes.") from None
    except TimeoutError:
        raise ToolFailed("Cal.com did not answer within 20 seconds. Try again in a moment.") from None


async def _profiles(context: ToolContext) -> list[CalcomProfile]:
    teammate = context.caller.teammate
    if teammate is None:
        raise ToolFailed(_NO_OWNER)
    async with context.services.read() as tx:
        known = await calcom_profiles_store.list_profiles(tx, context.services.seal, teammate.id)
    usable = [one for one in known if one.because is None]
    if not known:
        raise ToolFailed(f"No Cal.com account is connected for you. {_CONNECT}")
    if not usable:
        raise ToolFailed(f"Cal.com no longer accepts your account: it was disconnected there, or expired. {_CONNECT}")
    return usable


async def _open(services: AssistantServices, clients: Clients, profile: CalcomProfile) -> OpenAccount:
    current = await calcom_oauth.refreshed(services, clients, profile)
    token = current.credentials.token
    client = CalcomClient(
        clients.trusted,
        url=services.calcom_url,
        key=token,
        clock=services.clock,
        limiter=_limiter(services, token),
    )
    return OpenAccount(profile=current, client=client)


def _limiter(services: AssistantServices, token: str) -> RateLimiter:
    key = hashlib.sha256(token.encode()).digest()
    if len(services.limiters) >= _MAX_LIMITERS:
        services.limiters.clear()
    return services.limiters.setdefault(key, RateLimiter(services.clock))


def _refused(refused: CalcomRefused) -> str:
    if refused.status in (401, 403):
        return f"Cal.com does not accept your API key or sign-in any more. {_CONNECT}"
    return "Cal.com refused the request: it knows no such event type, or the range of dates is too long."
