"""`/settings/changes`: who changed which setting, and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from msgspec import Struct

from showup.access.settings_log_store import SettingsEvent, list_newest
from showup.reads.rules import list_rule_changes
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.settings.frame import render_settings
from showup.web.dashboard.settings.rule_forms import say_value
from showup.web.dashboard.settings.rule_groups import LABELS
from showup.web.http.app_state import State
from showup.web.http.sessions import SignedInAdmin

router = APIRouter(prefix="/settings/changes", include_in_schema=False, route_class=DashboardRoute)

_LENGTH: Final = 100
_WORDS: Final[Mapping[SettingsEvent, str]] = {
    "key.created": "created the API key",
    "key.revoked": "revoked the API key",
    "sender.added": "added the sender",
    "sender.changed": "changed the sender",
    "sender.removed": "removed the sender",
    "account.added": "added the Cal.com account",
    "account.secret_rotated": "made a new secret for the Cal.com account",
    "connection.added": "connected",
    "connection.changed": "changed the connection",
    "connection.removed": "disconnected",
    "endpoint.created": "added the webhook",
    "endpoint.changed": "changed the webhook",
    "endpoint.secret_rotated": "made a new secret for the webhook",
    "endpoint.deleted": "deleted the webhook",
    "workspace.added": "added the workspace",
    "workspace.changed": "changed the workspace",
    "sample.loaded": "loaded the sample into",
    "sample.removed": "removed the sample from",
    "simulation.removed": "removed simulated data from",
}


class ChangeLine(Struct, frozen=True, kw_only=True):
    """One change: who, what they did, to what, and the details of it."""

    at: datetime
    actor: str
    words: str
    about: str
    details: Sequence[str]


@router.get("")
async def changes_page(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Show the newest changes of the workspace's settings, those of its rules included."""
    async with state.read_engine.connect() as tx:
        lines = [
            ChangeLine(
                at=one.at, actor=one.actor, words=_WORDS[one.what], about=one.about, details=_details(one.change)
            )
            for one in await list_newest(tx, session.workspace.id, limit=_LENGTH)
        ]
        lines += [
            ChangeLine(
                at=one["at"],
                actor=one["actor"],
                words="changed rules",
                about="for the whole history" if one["since"] is None else "from then on",
                details=[
                    f"{LABELS.get(name, name)}: {say_value(name, value)}" for name, value in one["changes"].items()
                ],
            )
            for one in await list_rule_changes(tx, session.workspace.id)
        ]
        lines.sort(key=lambda one: one.at, reverse=True)
        context = {"lines": lines[:_LENGTH]}
        return await render_settings(request, "changes", context, tx=tx, session=session, state=state)


def _details(change: Mapping[str, Any]) -> list[str]:
    return [f"{name.replace('_', ' ')}: {_text(before)} → {_text(after)}" for name, (before, after) in change.items()]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)
