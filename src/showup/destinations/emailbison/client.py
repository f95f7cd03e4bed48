"""The calls of EmailBison's API that Showup uses.

A page has 15 items, whatever a call asks for. Long lists are read by cursor, because EmailBison refuses the numbers of
late pages; a cursor walks from the newest item to the oldest.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import httpx2
import msgspec
import structlog
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.destination_kind import Meter
from showup.destinations.emailbison.objects import (
    Campaign,
    CustomVariable,
    DailyCounts,
    EmailBisonLead,
    Reply,
    SenderEmail,
    SentEmail,
    Team,
    User,
    Webhook,
)
from showup.destinations.vendor_api import ErrorReading, Json, Vendor, VendorApi, VendorError, bearer

_MAX_NUMBERED_PAGES: Final = 200
"""More pages of campaigns, variables or webhooks than any workspace has; it ends a list that never ends."""

_MAX_TOTAL: Final = 2**53
_LONGEST_CURSOR: Final = 4_000

Item = TypeVar("Item")

_log = structlog.get_logger()


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    """Reads the forms of EmailBison's errors: `data.message`, `message`, or the name of a limit in `error`."""
    data = payload.get("data")
    words = data.get("message") if isinstance(data, dict) and data.get("success") is False else payload.get("message")
    words = words or payload.get("error")
    return ErrorReading(status=status, words=words) if isinstance(words, str) else None


EMAILBISON: Final = Vendor(
    name="EmailBison",
    read_error=_read_error,
    credentials="the API token",
    fix_credentials="Create an API token of that workspace in EmailBison (Settings > Developer API), and set it",
    fix_access="Use an API token of a user who may see that workspace",
    fix_url="Check EMAILBISON_URL, or api_url: it is the address of your instance, such as https://dedi.emailbison.com",
)


class Page(Struct, Generic[Item], frozen=True, kw_only=True):
    """A page of a long list. `next_cursor` leads to the next page, None on the last one."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


class EmailBisonClient:
    """Calls with one token, which opens one workspace of EmailBison. Each raises VendorError. `url` ends in /api."""

    def __init__(
        self, client: httpx2.AsyncClient, *, url: str, token: str, clock: Clock, meter: Meter | None = None
    ) -> None:
        self._api = VendorApi(client, EMAILBISON, url=url, authorization=bearer(token), clock=clock, meter=meter)

    # ------------------------------------------------------------ the workspace

    async def get_user(self) -> User:
        """Returns the token's owner and its workspace."""
        return self._api.parse(await self._call("GET", "/users", "the token's owner"), User)

    async def list_workspaces(self) -> tuple[Team, ...]:
        """Returns the workspaces of the token's owner."""
        payload = await self._api.call("GET", "/workspaces/v1.1", what="the workspaces", expect=_has_data)
        return self._api.parse(payload["data"], tuple[Team, ...])

    # ------------------------------------------------------------ campaigns

    def list_campaigns(self) -> AsyncIterator[Campaign]:
        """Yields the campaigns with their totals."""
        return self._numbered("/campaigns", "the campaigns", Campaign)

    async def get_daily_counts(self, campaign_id: int, first: date, last: date) -> tuple[DailyCounts, ...]:
        """Returns a campaign's statistics by day, both days included."""
        query = {"start_date": first.isoformat(), "end_date": last.isoformat(), "campaign_ids[]": str(campaign_id)}
        what = f"the statistics of the campaign {campaign_id}"
        return self._api.parse(
            await self._call("GET", "/campaign-events/stats", what, query=query), tuple[DailyCounts, ...]
        )

    async def stop_future_emails(self, campaign_id: int, lead_ids: Iterable[int]) -> None:
        """Stops the sequence of a campaign for these leads; for those that have none any more it changes nothing."""
        what = f"a stop of the campaign {campaign_id}"
        path = f"/campaigns/{campaign_id}/leads/stop-future-emails"
        await self._call("POST", path, what, body={"lead_ids": list(lead_ids)})

    # ------------------------------------------------------------ leads

    async def list_leads(self, cursor: str | None = None, *, updated_since: date | None = None) -> Page[EmailBisonLead]:
        """Returns a page of leads, the newest first; only those that changed on that day or later, if one is given."""
        filters: dict[str, str] = {}
        if updated_since is not None:
            # EmailBison's document writes these names with dots, which its servers ignore.
            filters = {"filters[updated_at][criteria]": ">=", "filters[updated_at][value]": updated_since.isoformat()}
        return await self._page("/leads", "the leads", EmailBisonLead, cursor, filters)

    async def count_leads(self) -> int | None:
        """Returns how many leads the workspace has; None where EmailBison does not say."""
        payload = await self._api.call("GET", "/leads", what="the leads", expect=_has_data, params={"page": "1"})
        meta = payload.get("meta")
        total = meta.get("total") if isinstance(meta, dict) else None
        return total if isinstance(total, int) and 0 <= total < _MAX_TOTAL else None

    async def find_lead(self, name: str | int) -> EmailBisonLead | None:
        """Returns the lead with this id or email; None if the workspace has none."""
        try:
            return self._api.parse(
                await self._call("GET", f"/leads/{_quoted(name)}", "the lead", hidden=str(name)), EmailBisonLead
            )
        except VendorError as error:
            if error.status == httpx2.codes.NOT_FOUND:
                return None
            raise

    async def set_variable(self, lead_id: int, name: str, value: str) -> EmailBisonLead:
        """Writes a custom variable of a lead; its other fields stay as they are."""
        body = {"custom_variables": [{"name": name, "value": value}]}
        return self._api.parse(
            await self._call("PATCH", f"/leads/{lead_id}", "an update of the lead", body=body), EmailBisonLead
        )

    # ------------------------------------------------------------ replies

    async def list_replies(self, cursor: str | None = None, *, folder: str = "all") -> Page[Reply]:
        """Returns a page of received mails, the newest first."""
        return await self._page("/replies", "the replies", Reply, cursor, {"folder": folder})

    async def list_replies_of(self, lead_id: int) -> tuple[Reply, ...]:
        """Returns the received mails of a lead."""
        path, query = f"/leads/{lead_id}/replies", {"folder": "all"}
        return tuple([one async for one in self._numbered(path, "the lead's replies", Reply, query)])

    # ------------------------------------------------------------ sent mails

    async def list_sent_emails(self, lead_id: int) -> tuple[SentEmail, ...]:
        """Returns the mails that campaigns sent to a lead, in any order; none for an unknown lead."""
        path = f"/leads/{lead_id}/sent-emails"
        try:
            return tuple([one async for one in self._numbered(path, "the lead's sent mails", SentEmail)])
        except VendorError as error:
            if error.status == httpx2.codes.NOT_FOUND:
                return ()
            raise

    async def find_sender(self, sender_id: int) -> SenderEmail | None:
        """Returns a mailbox that writes to leads; None if the workspace has none with this id."""
        try:
            return self._api.parse(
                await self._call("GET", f"/sender-emails/{sender_id}", "the email account"), SenderEmail
            )
        except VendorError as error:
            if error.status == httpx2.codes.NOT_FOUND:
                return None
            raise

    # ------------------------------------------------------------ custom variables and webhooks

    def list_variables(self) -> AsyncIterator[CustomVariable]:
        """Yields the workspace's custom variables."""
        return self._numbered("/custom-variables", "the custom variables", CustomVariable)

    async def create_variable(self, name: str) -> None:
        """Creates a custom variable."""
        await self._call("POST", "/custom-variables", "a new custom variable", body={"name": name})

    def list_webhooks(self) -> AsyncIterator[Webhook]:
        """Yields the workspace's webhooks."""
        return self._numbered("/webhook-url", "the webhooks", Webhook)

    async def create_webhook(self, name: str, url: str, events: Iterable[str]) -> Webhook:
        """Creates a webhook for these event types."""
        body = {"name": name, "url": url, "events": list(events)}
        return self._api.parse(
            await self._call("POST", "/webhook-url", "a new webhook", body=body, hidden=url), Webhook
        )

    async def update_webhook(self, webhook_id: int, name: str, url: str, events: Iterable[str]) -> Webhook:
        """Changes a webhook: its address, and its event types to exactly these."""
        body = {"name": name, "url": url, "events": list(events)}
        path = f"/webhook-url/{webhook_id}"
        return self._api.parse(await self._call("PUT", path, "the webhook", body=body, hidden=url), Webhook)

    async def delete_webhook(self, webhook_id: int) -> None:
        """Deletes a webhook."""
        await self._call("DELETE", f"/webhook-url/{webhook_id}", "the webhook")

    # ------------------------------------------------------------ one call

    async def _page(
        self, path: str, what: str, kind: type[Item], cursor: str | None, query: Mapping[str, str]
    ) -> Page[Item]:
        params = {**query, "pagination_type": "cursor", **({} if cursor is None else {"cursor": cursor})}
        payload = await self._api.call("GET", path, what=what, expect=_has_data, params=params)
        meta = payload.get("meta")
        following = meta.get("next_cursor") if isinstance(meta, dict) else None
        if following is not None and (not isinstance(following, str) or following == cursor):
            raise self._api.unexpected("the next page is the same again")
        if following is not None and (len(following) > _LONGEST_CURSOR or not following.isprintable()):
            raise self._api.unexpected("the cursor of the next page can't be stored")
        return Page(items=self._parse_items(payload["data"], kind, what), next_cursor=following)

    async def _numbered(
        self, path: str, what: str, kind: type[Item], query: Mapping[str, str] | None = None
    ) -> AsyncIterator[Item]:
        for number in range(1, _MAX_NUMBERED_PAGES + 1):
            params = {**(query or {}), "page": str(number)}
            payload = await self._api.call("GET", path, what=what, expect=_has_data, params=params)
            for one in self._parse_items(payload["data"], kind, what):
                yield one
            meta = payload.get("meta")
            last = meta.get("last_page") if isinstance(meta, dict) else None
            if not payload["data"] or not isinstance(last, int) or number >= last:
                return

    async def _call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        hidden: str = "",
    ) -> Any:
        """Makes a call and returns the `data` of its response."""
        payload = await self._api.call(
            method, path, what=what, expect=_has_data, hidden=hidden, params=query or {}, json=body
        )
        return payload["data"]

    def _parse_items(self, payload: Any, kind: type[Item], what: str) -> tuple[Item, ...]:
        """Returns the items of a page. One that is malformed is left out: it must not hide the others for ever."""
        if not isinstance(payload, list):
            raise self._api.unexpected("the response is malformed")
        found = []
        for one in payload:
            with suppress(msgspec.ValidationError):
                found.append(msgspec.convert(one, kind, strict=False))
        if payload and not found:
            raise self._api.unexpected("the response is malformed")
        if (left_out := len(payload) - len(found)) > 0:
            _log.warning("malformed items from EmailBison left out", of=what, items=left_out)
        return tuple(found)


def _has_data(payload: Json) -> bool:
    data = payload.get("data")
    return isinstance(data, list) or (isinstance(data, dict) and data.get("success") is not False)


def _quoted(name: str | int) -> str:
    return quote(str(name), safe="")
