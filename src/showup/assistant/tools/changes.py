"""Tools that change the pipeline: each asks a person. And the draft of a mail, which is never sent."""

from functools import partial
from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

from pydantic import Field

from showup.assistant import approvals
from showup.assistant import approvals_store as store
from showup.assistant.planned_changes import LinkArguments, MoveArguments, OutcomeArguments
from showup.assistant.tool import Arguments, NoArguments, Tool
from showup.assistant.tool_context import ToolContext, ToolFailed
from showup.assistant.tools.calcom import booking_link
from showup.reads.keyset import PageRequest
from showup.reads.people import find_person
from showup.reads.rows import Item

_ASKS: Final = " A person must grant it before anything changes. With dry_run, only the exact difference is returned."


class DraftArguments(Arguments):
    """A mail to a person."""

    person_id: Annotated[UUID, Field(description="The person's id, from search_people")]
    subject: Annotated[str, Field(min_length=1, max_length=200)]
    body: Annotated[str, Field(min_length=1, max_length=10_000, description="The text of the mail, without the link")]
    event_type_slug: Annotated[
        str | None, Field(max_length=200, description="Adds the user's booking link for this event type")
    ] = None


async def draft_mail(context: ToolContext, arguments: DraftArguments) -> Item:
    """Return a mail to a person, with the caller's booking link if wanted. Nothing is sent or stored."""
    async with context.services.read() as tx:
        person = await find_person(tx, context.caller.reading, arguments.person_id)
    if person is None:
        raise ToolFailed("You can see no person with this id. Call search_people to find them.")
    link = None if arguments.event_type_slug is None else await booking_link(context, arguments.event_type_slug)
    body = arguments.body if link is None or link in arguments.body else f"{arguments.body.rstrip()}\n\n{link}\n"
    return {
        "to": person["email"],
        "name": person["name"],
        "subject": arguments.subject,
        "body": body,
        "link": link,
        "mailto": f"mailto:{quote(person['email'])}?subject={quote(arguments.subject)}&body={quote(body)}",
        "note": "This is a draft. Nothing was sent: the user sends it from their own mail program.",
    }


async def list_my_requests(context: ToolContext, _arguments: NoArguments) -> Item:
    """Return the latest changes that the caller's assistant asked for, and what became of them."""
    async with context.services.read() as tx:
        page = await store.list_approvals(tx, context.caller.reading, [], PageRequest(sort="-created_at", limit=50))
    own = [one for one in page.items if one["requested_by"] == context.caller.actor]
    fields = ("id", "tool", "state", "created_at", "expires_at", "decided_by", "because", "undone_at")
    return {"requests": [{name: one[name] for name in fields} for one in own[:20]]}


async def _ask_for(tool: str, context: ToolContext, arguments: Arguments) -> Item:
    return await approvals.ask(context, tool, arguments)


TOOLS: Final = (
    Tool(
        name="record_outcome",
        title="Record an outcome",
        description=f"Record how a meeting went: showed, no_show, host_absent or rescheduled.{_ASKS}",
        arguments=OutcomeArguments,
        run=partial(_ask_for, "record_outcome"),
        scope="write",
        is_change=True,
    ),
    Tool(
        name="move_deal",
        title="Move a deal",
        description=f"Move a deal to another stage, or win, lose, cancel or reopen it.{_ASKS}",
        arguments=MoveArguments,
        run=partial(_ask_for, "move_deal"),
        scope="write",
        is_change=True,
    ),
    Tool(
        name="link_booking",
        title="Link an unmatched booking",
        description=f"Match an unmatched attendee to a lead of a campaign.{_ASKS}",
        arguments=LinkArguments,
        run=partial(_ask_for, "link_booking"),
        scope="write",
        is_change=True,
    ),
    Tool(
        name="draft_mail",
        title="Draft a mail",
        description="Draft a mail to a person, with the user's booking link if wanted. It is never sent.",
        arguments=DraftArguments,
        run=draft_mail,
        scope="write",
    ),
    Tool(
        name="list_my_requests",
        title="Changes asked for",
        description="List the changes that were asked for, and whether a person granted them.",
        arguments=NoArguments,
        run=list_my_requests,
        scope="write",
    ),
)
