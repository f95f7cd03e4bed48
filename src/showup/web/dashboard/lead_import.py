"""`/leads/import`: imports the leads of campaigns from a CSV file, after showing what is in it (CA1, AP4).

The form keeps the file while the page shows what was understood, and sends it again to import it. So Showup stores no
file, and an import that was interrupted continues when the same file is sent again.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from msgspec import Struct

from showup.access.teammate import Session
from showup.campaigns.campaign import MAX_NAME
from showup.campaigns.imports_store import LeadImport
from showup.campaigns.lead_file.columns import UnknownColumn
from showup.campaigns.lead_file.file import LeadFile, NoEmailColumn, ReadingOptions, UnusableFile, open_lead_file
from showup.commands.check_leads import LeadCheck, check_leads
from showup.commands.import_leads import ImportRequest
from showup.reads.campaigns import CampaignFilter, list_campaigns
from showup.reads.keyset import PageRequest
from showup.reads.lead_imports import latest_imports, matched_meanwhile
from showup.web.dashboard.lead_import_view import (
    ENCODING_CHOICES,
    FIELD_WORDS,
    SEPARATOR_CHOICES,
    build_check,
    columns_of,
    import_title,
    refused_rows,
)
from showup.web.dashboard.page_route import DashboardRoute, is_part
from showup.web.dashboard.shell import record_visit, render_shell
from showup.web.dashboard.templates import render_page
from showup.web.http.app_state import AppState, State, import_slot, read_transaction
from showup.web.http.body_limits import describe_size
from showup.web.http.sessions import SignedInMember, check_csrf
from showup.web.http.uploads import Upload, received_upload
from showup.web.lead_imports import MAX_FILE_BYTES, import_uploaded

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_LATEST: Final = 8
_MAX_OFFERED: Final = 100
_CHANGED: Final = (
    "The file or its options changed since they were checked, so nothing was imported. This is the new check."
)


class _AskedImport(Struct, frozen=True, kw_only=True):
    """What the form says. `checked`: the digest of what the page showed, as hexadecimal digits."""

    campaign: str
    options: ReadingOptions
    checked: str
    is_import: bool


@router.get("/leads/import")
async def import_page(request: Request, session: SignedInMember, state: State) -> Response:
    """Show the form, and the latest imports."""
    await record_visit(session, state)
    return await _show(request, session, state, {}, {})


@router.post("/leads/import")
async def receive_file(request: Request, session: SignedInMember, state: State) -> Response:
    """Show what the file has, or import it."""
    async with received_upload(request, "file", max_bytes=MAX_FILE_BYTES) as upload:
        check_csrf(request, session, upload.form)
        result = await _answer(session, state, upload)
    return await _show(request, session, state, upload.form, result)


async def _answer(session: Session, state: AppState, upload: Upload) -> dict[str, Any]:
    """Return what the page says of the file: a fault, what is in it, or what was imported."""
    if upload.path is None:
        return {"fault": "Choose a CSV file."}
    wanted = _wanted(upload)
    try:
        file = await asyncio.to_thread(open_lead_file, upload.path, wanted.options)
    except NoEmailColumn as fault:
        columns = columns_of(fault.header, {}, wanted.options.columns)
        return {"fault": "No column is known to have email addresses. Say which one it is.", "columns": columns}
    except (UnusableFile, UnknownColumn) as fault:
        return {"fault": str(fault)}
    asked = ImportRequest(
        workspace_id=session.workspace.id,
        file=file,
        file_name=upload.file_name,
        campaign=wanted.campaign,
        actor=session.permission.actor,
    )
    is_as_shown = wanted.checked == asked.digest.hex()
    if wanted.is_import and is_as_shown:
        return await _imported(session, state, asked)
    check = await _check(session, state, asked)
    more = {"fault": _CHANGED} if wanted.is_import and wanted.checked else {}
    return {**_checked(file, check, wanted), "checked": asked.digest.hex(), **more}


async def _check(session: Session, state: AppState, asked: ImportRequest) -> LeadCheck:
    open_read = partial(read_transaction, state, session.permission)
    with import_slot(state, session.workspace.id):
        return await check_leads(open_read, asked, seal=state.mail_secrets.seal)


def _checked(file: LeadFile, check: LeadCheck, wanted: _AskedImport) -> dict[str, Any]:
    view = build_check(file, check, wanted.options.columns)
    return {"check": view, "columns": view.columns, "campaign": wanted.campaign}


async def _imported(session: Session, state: AppState, asked: ImportRequest) -> dict[str, Any]:
    done: LeadImport = await import_uploaded(state, asked)
    async with read_transaction(state, session.permission) as tx:
        matched = await matched_meanwhile(tx, session.workspace.id, done)
    refused = refused_rows(done.rejected, done.rejected_rows)
    return {"done": done, "title": import_title(done), "refused": refused, "matched": matched}


def _wanted(upload: Upload) -> _AskedImport:
    form = upload.form
    columns: dict[str, str] = {}
    for pair in upload.fields.get("map", ()):
        name, _, field = pair.rpartition("=")
        if name:
            columns[name] = field
    campaign = form.get("campaign", "") or PurePath(upload.file_name).stem or "Imported leads"
    options = ReadingOptions(
        columns=columns,
        encoding=form.get("encoding") or None,
        separator=SEPARATOR_CHOICES.get(form.get("separator", "")),
    )
    return _AskedImport(
        campaign=campaign[:MAX_NAME],
        options=options,
        checked=form.get("checked", ""),
        is_import=form.get("do") == "import",
    )


async def _show(
    request: Request, session: Session, state: AppState, values: Mapping[str, str], result: Mapping[str, Any]
) -> Response:
    status = 422 if "fault" in result else 200
    context: dict[str, Any] = {
        "result": result,
        "values": values,
        "fields": FIELD_WORDS,
        "is_part": is_part(request),
        "session": session,
    }
    if is_part(request):
        return render_page(request, "parts/lead_import.html", context, status=status)
    async with read_transaction(state, session.permission) as tx:
        page = PageRequest(sort="name", limit=_MAX_OFFERED)
        known = await list_campaigns(tx, session.permission, CampaignFilter(source=["csv"]), page)
        context |= {
            "faults": {},
            "campaigns": [one["name"] for one in known.items],
            "latest": await latest_imports(tx, session.permission, limit=_LATEST),
            "encodings": ENCODING_CHOICES,
            "separators": SEPARATOR_CHOICES,
            "max_size": describe_size(MAX_FILE_BYTES),
            "max_name": MAX_NAME,
        }
        return await render_shell(
            request, "lead_import.html", context, tx=tx, session=session, state=state, status=status
        )
