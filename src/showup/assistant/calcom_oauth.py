"""Signs a teammate in at Cal.com: OAuth 2 with PKCE (S256) and a state that works once; refresh before the end.

Cal.com's endpoints: its pages have `/auth/oauth2/authorize`, its API has `/auth/oauth2/token` (reference: Cal.com 9.4).
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import httpx2
import structlog
from msgspec.structs import replace

from showup.access import calcom_profiles_store
from showup.access.calcom_profile import CalcomAuthorization, CalcomCredentials, CalcomProfile
from showup.assistant.tool_context import AssistantServices, OAuthClient, ToolFailed
from showup.dispatch.destination_context import Clients
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.web_address import web_address

SCOPES: Final = "EVENT_TYPE_READ SCHEDULE_READ PROFILE_READ"
_TOKEN_PATH: Final = "/auth/oauth2/token"  # noqa: S105  # the path of an endpoint
_AUTHORIZATION_LIFETIME: Final = timedelta(minutes=10)
# Cal.com's tokens live half an hour; a call that begins now must not end with an expired one.
_REFRESH_BEFORE: Final = timedelta(minutes=2)
_DEFAULT_LIFETIME: Final = timedelta(minutes=30)
_log = structlog.get_logger()


class AuthorizationFailed(Exception):
    """A sign-in at Cal.com did not succeed; the text is for the person."""


def callback_url(services: AssistantServices) -> str:
    """Return the redirect address that must be registered at Cal.com, exactly so."""
    return f"{services.public_url.rstrip('/')}/api/calcom/callback"


async def start(services: AssistantServices, teammate_id: UUID, name: str) -> str:
    """Return the address at Cal.com where the teammate agrees. Raises AuthorizationFailed."""
    client = _client(services)
    pages = web_address(services.calcom_url)
    if pages is None:
        raise AuthorizationFailed("CALCOM_API_URL does not tell where this Cal.com has its pages: use an API key.")
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    authorization = CalcomAuthorization(teammate_id=teammate_id, name=name, verifier=verifier)
    now = services.clock()
    async with services.write() as tx:
        await calcom_profiles_store.start_authorization(
            tx, services.seal, state, authorization, expires_at=now + _AUTHORIZATION_LIFETIME, now=now
        )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": client.id,
        "redirect_uri": callback_url(services),
        "response_type": "code",
        "scope": SCOPES,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{pages}/auth/oauth2/authorize?{urlencode(query)}"


async def finish(services: AssistantServices, teammate_id: UUID, answer: Mapping[str, str]) -> str:
    """Exchange the code that Cal.com sent, store the tokens, and return the account's name.

    `answer` is the query of the callback. Raises AuthorizationFailed.
    """
    async with services.write() as tx:
        authorization = await calcom_profiles_store.finish_authorization(
            tx, services.seal, answer.get("state", ""), teammate_id, services.clock()
        )
    if authorization is None:
        raise AuthorizationFailed(
            "This sign-in was not started here by you, was finished before, or is older than 10 minutes."
            " Start again at /settings/assistant."
        )
    if "error" in answer or not answer.get("code"):
        raise AuthorizationFailed("Cal.com did not give access: you declined, or the client is not approved there.")
    async with services.open_clients() as clients:
        tokens = await _request_tokens(
            services,
            clients,
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=callback_url(services),
            code_verifier=authorization.verifier,
        )
        username = await _username(services, clients, tokens)
    await _save(services, teammate_id, authorization.name, replace(tokens[0], calcom_username=username), tokens[1])
    return authorization.name


async def refreshed(services: AssistantServices, clients: Clients, profile: CalcomProfile) -> CalcomProfile:
    """Return the account with a token that is valid for minutes. Raises ToolFailed if Cal.com gives none any more."""
    if not _is_due(services, profile):
        return profile
    async with services.write() as tx:
        # Cal.com accepts a refresh token once: others wait here, and then find the new tokens.
        current = await calcom_profiles_store.lock(tx, services.seal, profile.id)
        if current is None:
            raise ToolFailed("The Cal.com account was removed a moment ago. Connect it again at /settings/assistant.")
        if not _is_due(services, current):
            return current
        because: str
        try:
            credentials, lifetime = await _request_tokens(
                services, clients, grant_type="refresh_token", refresh_token=current.credentials.refresh_token or ""
            )
        except AuthorizationFailed as failed:
            because = str(failed)
            await calcom_profiles_store.mark_refused(tx, profile.id, because)
        else:
            expires_at = services.clock() + lifetime
            kept = replace(
                credentials,
                calcom_username=current.credentials.calcom_username,
                refresh_token=credentials.refresh_token or current.credentials.refresh_token,
            )
            await calcom_profiles_store.set_tokens(tx, services.seal, profile.id, kept, expires_at)
            return replace(current, credentials=kept, expires_at=expires_at)
    raise ToolFailed(f"{because} Connect Cal.com again at /settings/assistant.")


def _is_due(services: AssistantServices, profile: CalcomProfile) -> bool:
    return profile.expires_at is not None and profile.expires_at - services.clock() < _REFRESH_BEFORE


async def _request_tokens(
    services: AssistantServices, clients: Clients, **fields: str
) -> tuple[CalcomCredentials, timedelta]:
    """Return the tokens and how long the access token lives. Raises AuthorizationFailed; ToolFailed if Cal.com is away.

    The texts of Cal.com's errors are logged and not shown: they come from outside.
    """
    client = _client(services)
    form = {"client_id": client.id, "client_secret": client.secret, **fields}
    try:
        response = await clients.trusted.post(f"{services.calcom_url}{_TOKEN_PATH}", json=form)
    except httpx2.HTTPError as fault:
        raise ToolFailed("Cal.com can't be reached at the moment. Try again in a few minutes.") from fault
    if response.status_code >= 500 or response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        raise ToolFailed("Cal.com can't renew the sign-in at the moment. Try again in a few minutes.")
    answer = _json_of(response)
    if response.status_code >= 300 or not isinstance(answer.get("access_token"), str):
        _log.warning("Cal.com refused a sign-in", status=response.status_code, error=str(answer.get("error"))[:80])
        raise AuthorizationFailed("Cal.com does not accept this sign-in (any more): it was revoked there, or expired.")
    refresh_token = answer.get("refresh_token")
    seconds = answer.get("expires_in")
    lifetime = timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**8 else _DEFAULT_LIFETIME
    credentials = CalcomCredentials(
        access_token=answer["access_token"],
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
    )
    return credentials, lifetime


def _json_of(response: httpx2.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


async def _username(
    services: AssistantServices, clients: Clients, tokens: tuple[CalcomCredentials, timedelta]
) -> str | None:
    """Return the account's username; None where Cal.com does not say it now, and then it is asked for each link."""
    calcom = CalcomClient(clients.trusted, url=services.calcom_url, key=tokens[0].token, clock=services.clock)
    try:
        return (await calcom.me()).username
    except (CalcomRefused, CalcomUnavailable):
        return None


async def _save(
    services: AssistantServices, teammate_id: UUID, name: str, credentials: CalcomCredentials, lifetime: timedelta
) -> None:
    now = services.clock()
    async with services.write() as tx:
        await calcom_profiles_store.save(
            tx, services.seal, teammate_id, name, credentials, expires_at=now + lifetime, now=now
        )


def _client(services: AssistantServices) -> OAuthClient:
    if services.oauth is None:
        raise AuthorizationFailed(
            "Signing in at Cal.com needs CALCOM_CLIENT_ID and CALCOM_CLIENT_SECRET."
            " Set them, or connect with an API key."
        )
    return services.oauth
