"""The endpoint for Cal.com's webhooks: check the signature and size, store, respond. Bare ASGI for speed.

This module never parses a body before its signature is verified, and calls no outside system.
"""

from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from showup import traces
from showup.access.account import DEFAULT, Account, make_secret
from showup.access.directory import AccountsUnavailable
from showup.clock import Clock
from showup.inbox.inbox_event import IncomingEvent, Stored
from showup.inbox.ingest_metrics import IngestMetrics
from showup.inbox.ingest_writer import NotStored
from showup.sources.calcom.signature import is_signed, is_signed_as_simulated
from showup.web.http.body_limits import MAX_WEBHOOK_BYTES
from showup.web.signature_alert import SignatureAlert
from showup.web.webhooks.calcom_responses import (
    CANONICAL,
    LEGACY_PATHS,
    ResponseFormat,
    WebhookResponse,
    encode_response,
    problem_type_of,
    refusal_response,
)

RETRY_AFTER: Final = 10
"""Seconds after which the sender should retry a webhook that could not be stored."""
_PREFIX: Final = "/webhooks/calcom"
_MAX_LENGTH_DIGITS: Final = 12
_SIMULATED: Final = b"x-showup-simulated"
# A signature for an unknown account is computed too, with a secret that nobody knows.
_NO_ACCOUNT_SECRETS: Final = (make_secret().encode(),)


class AccountLookup(Protocol):
    """Finds Cal.com accounts by name; None is the default account."""

    async def find(self, name: str | None, *, is_second_try: bool = False) -> Account | None:
        """Return the account, or None if no account has this name.

        `is_second_try`: the account or secret may be too new for the cache. Raises AccountsUnavailable if it cannot be
        determined.
        """


class EventWriter(Protocol):
    """Stores incoming events."""

    def store(self, incoming: IncomingEvent) -> Awaitable[Stored]:
        """Return after the event is durable. Raises `NotStored` if that is not possible in time."""


class WrongSignature(Struct, frozen=True):
    """A signature that no secret of the account made; an account of None does not exist."""

    account: Account | None


class WebhookEndpoint:
    """Serves the webhook paths and passes every other request to `fallback`."""

    def __init__(
        self,
        accounts: AccountLookup,
        store: EventWriter,
        clock: Clock,
        fallback: ASGIApp,
        *,
        ingest_metrics: IngestMetrics | None = None,
        signature_alert: SignatureAlert | None = None,
    ) -> None:
        """Without `signature_alert`, bad signatures are only logged."""
        self._accounts = accounts
        self._store = store
        self._clock = clock
        self._fallback = fallback
        self._signature_alert = signature_alert or SignatureAlert(None, clock)
        self._metrics = ingest_metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        response_format = find_response_format(scope["path"]) if scope["type"] == "http" else None
        if response_format is None:
            await self._fallback(scope, receive, send)
            return
        response = await self._respond(scope, receive, response_format)
        if response is not None:
            await _send(send, response)

    def record_refusal(self, response_format: ResponseFormat, response: WebhookResponse) -> WebhookResponse:
        """Count a refusal by its reason and return it in the path's response format."""
        if self._metrics is not None:
            self._metrics.record_refused(problem_type_of(response))
        return response_format.format_refusal(response)

    async def _respond(self, scope: Scope, receive: Receive, response_format: ResponseFormat) -> WebhookResponse | None:
        if scope["method"] != "POST":
            return self.record_refusal(response_format, refusal_response("post-only"))
        headers = dict(scope["headers"])
        body = await _read_body(receive, headers)
        if body is None:
            return None
        if isinstance(body, WebhookResponse):
            return self.record_refusal(response_format, body)
        return await self.handle_webhook(scope, headers, body, response_format)

    async def handle_webhook(
        self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, response_format: ResponseFormat
    ) -> WebhookResponse:
        """Handle one complete webhook; of `scope`, only the path and client are used."""
        with traces.span("webhook calcom"):
            response = await self._handle_webhook(scope, headers, body, response_format)
            traces.annotate(status=response.status)
            return response

    async def _handle_webhook(
        self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, response_format: ResponseFormat
    ) -> WebhookResponse:
        name = _account_name(scope["path"])
        signature = next((headers[header] for header in response_format.signature_headers if header in headers), None)
        try:
            account = await self._find_signer(name, body, signature)
        except AccountsUnavailable:
            return self.record_refusal(response_format, refusal_response("not-stored", retry_after=RETRY_AFTER))
        if isinstance(account, WrongSignature):
            is_missing = not signature
            self._record_wrong_signature(account, name, _source_address(scope), is_missing=is_missing)
            problem = "no-signature" if is_missing else "bad-signature"
            return self.record_refusal(response_format, refusal_response(problem))
        if not account.secrets:
            return self.record_refusal(response_format, refusal_response("no-secret", retry_after=RETRY_AFTER))
        if not _has_valid_mark(headers, body, account):
            return self.record_refusal(response_format, refusal_response("bad-signature"))
        try:
            stored = await self._store.store(self._to_incoming_event(scope, headers, body, account))
        except NotStored:
            return self.record_refusal(response_format, refusal_response("not-stored", retry_after=RETRY_AFTER))
        traces.annotate(event_id=stored.id)
        return response_format.format_stored(stored, body)

    async def _find_signer(self, name: str | None, body: bytes, signature: bytes | None) -> "Account | WrongSignature":
        """Return the account that signed the body, or an account without any secret.

        An unknown account takes the same steps as a wrong signature and gets the same response: it must not show which
        accounts exist.
        """
        account = None
        for is_second_try in (False, True):
            account = await self._accounts.find(name, is_second_try=is_second_try)
            if account is not None and not account.secrets:
                return account
            secrets = _NO_ACCOUNT_SECRETS if account is None else account.secrets
            if is_signed(body, signature, secrets) and account is not None:
                return account
        return WrongSignature(account)

    def _record_wrong_signature(
        self, wrong: "WrongSignature", name: str | None, source_address: str | None, *, is_missing: bool
    ) -> None:
        account = wrong.account
        if account is None:
            self._signature_alert.record_unknown(name or DEFAULT, source_address)
        else:
            self._signature_alert.record(account.name, source_address, [account.workspace_id], is_missing=is_missing)

    def _to_incoming_event(
        self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, account: Account
    ) -> IncomingEvent:
        return IncomingEvent(
            account_id=account.id,
            workspace_id=None if account.has_routes else account.workspace_id,
            body=body,
            received_at=self._clock(),
            origin="simulation" if _SIMULATED in headers else "webhook",
            content_type=_header(headers, b"content-type"),
            webhook_version=_header(headers, b"x-cal-webhook-version"),
            source_address=_source_address(scope),
        )


def find_response_format(path: str) -> ResponseFormat | None:
    """Return the response format of a webhook path; None for other paths."""
    if path == _PREFIX or (path.startswith(f"{_PREFIX}/") and "/" not in path[len(_PREFIX) + 1 :]):
        return CANONICAL
    return LEGACY_PATHS.get(path)


def has_valid_length(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the request declares the body's length, and it is within the limit."""
    declared = headers.get(b"content-length", b"")
    return declared.isdigit() and len(declared) <= _MAX_LENGTH_DIGITS and 0 < int(declared) <= MAX_WEBHOOK_BYTES


def _has_valid_mark(headers: Mapping[bytes, bytes], body: bytes, account: Account) -> bool:
    """Return whether the webhook is not marked as simulated, or marked by a holder of the account's secret.

    The mark steers what Showup does, so it stands where Cal.com and attendees cannot write (decisions/0011).
    """
    mark = headers.get(_SIMULATED)
    return mark is None or is_signed_as_simulated(body, mark, account.secrets)


def _account_name(path: str) -> str | None:
    return path[len(_PREFIX) + 1 :] or None if path.startswith(_PREFIX) else None


async def _read_body(receive: Receive, headers: dict[bytes, bytes]) -> bytes | WebhookResponse | None:
    """Read the whole body.

    Returns a response if the body is missing or too large, and None if the sender has disconnected.
    """
    too_large = refusal_response("too-large")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and (len(declared) > _MAX_LENGTH_DIGITS or int(declared) > MAX_WEBHOOK_BYTES):
        return too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_WEBHOOK_BYTES:
            return too_large
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    body = b"".join(chunks)
    return body or refusal_response("no-body")


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    found = headers.get(name)
    return found.decode("latin-1").replace("\x00", "")[:200] if found is not None else None


def _source_address(scope: Scope) -> str | None:
    client: Any = scope.get("client")
    return str(client[0]) if client else None


async def _send(send: Send, response: WebhookResponse) -> None:
    headers, body = encode_response(response)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
