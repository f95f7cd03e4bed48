"""The webhooks that are registered at a fake Cal.com, of users, event types, teams and organizations."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.fake_calcom.rows import ApiError

# Their owners: ("userId", 7), ("eventTypeId", 8), ("teamId", 9).
Owner = tuple[str, int]
TIMED = {"AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"}


@dataclass(slots=True)
class Webhook:
    id: str
    owner: Owner
    active: bool
    subscriber_url: str
    triggers: list[str]
    secret: str | None = None
    template: str | None = None
    version: str = "2021-10-20"
    time: int | None = None
    time_unit: str | None = None

    def output(self) -> dict[str, Any]:
        """Returns the webhook as its owner sees it: the secret is not hidden."""
        timed = {"time": self.time, "timeUnit": self.time_unit} if self.time is not None else {}
        return {
            "id": self.id,
            self.owner[0]: self.owner[1],
            "active": self.active,
            "subscriberUrl": self.subscriber_url,
            "triggers": list(self.triggers),
            "secret": self.secret,
            "payloadTemplate": self.template,
            "version": self.version,
            **timed,
        }


class Registry:
    """`rows` by id, oldest first."""

    def __init__(self, *, seed: int = 0) -> None:
        self.rows: dict[str, Webhook] = {}
        # Triggers that an instance of this age does not know.
        self.unknown: frozenset[str] = frozenset()
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def of(self, owner: Owner) -> list[Webhook]:
        return [one for one in self.rows.values() if one.owner == owner]

    def find(self, owner: Owner, webhook_id: str) -> Webhook:
        """Raises `ApiError` (404)."""
        found = self.rows.get(webhook_id)
        if found is None or found.owner != owner:
            raise ApiError(404, f"Webhook ({webhook_id}) not found")
        return found

    def create(self, owner: Owner, body: Mapping[str, Any]) -> Webhook:
        """Raises `ApiError`: invalid address, second webhook for one address, no-show trigger without a time."""
        created = Webhook(self._id(), owner, active=True, subscriber_url="", triggers=[])
        self._apply(created, body)
        self.rows[created.id] = created
        return created

    def change(self, owner: Owner, webhook_id: str, body: Mapping[str, Any]) -> Webhook:
        found = self.find(owner, webhook_id)
        self._apply(found, body)
        return found

    def remove(self, owner: Owner, webhook_id: str) -> Webhook:
        found = self.find(owner, webhook_id)
        del self.rows[webhook_id]
        return found

    def _apply(self, row: Webhook, body: Mapping[str, Any]) -> None:
        url = body.get("subscriberUrl", row.subscriber_url)
        triggers = body.get("triggers", row.triggers)
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ApiError(400, "subscriberUrl must be a URL address")
        if unknown := self.unknown & set(triggers):
            raise ApiError(400, f"triggers: {', '.join(sorted(unknown))} must be one of the known triggers")
        if any(one.subscriber_url == url and one.id != row.id for one in self.of(row.owner)):
            raise ApiError(409, "Webhook with this subscriber URL already exists for this user")
        time, unit = body.get("time", row.time), body.get("timeUnit", row.time_unit)
        if TIMED & set(triggers) and (time is None or unit is None):
            raise ApiError(400, "time and timeUnit are required for the no-show triggers")
        row.subscriber_url, row.triggers, row.time, row.time_unit = url, list(triggers), time, unit
        row.active = body.get("active", row.active)
        row.secret = body.get("secret", row.secret)
        row.template = body.get("payloadTemplate", row.template)
        row.version = body.get("version", row.version)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
