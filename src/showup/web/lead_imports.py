"""What the API and the page share to import leads: the limit on a file, and one import at a time of a workspace."""

from typing import Final

from showup.campaigns.imports_store import ImportTaken, LeadImport
from showup.commands.import_leads import ImportRequest, import_leads
from showup.web.http.app_state import AppState, import_slot
from showup.web.http.problems import Refusal

MAX_FILE_BYTES: Final = 8 * 1024 * 1024
"""Maximum size of an uploaded file; it must arrive within 10 s. The command `showup leads import` has no limit."""


async def import_uploaded(state: AppState, request: ImportRequest) -> LeadImport:
    """Import the file, or what is missing of it; return the report. Refuses while others are imported."""
    try:
        with import_slot(state, request.workspace_id):
            return await import_leads(state.engine, request, state.clock, seal=state.mail_secrets.seal)
    except ImportTaken:
        raise Refusal("busy", "Another process imports the same file. Send it again when it is done.") from None
