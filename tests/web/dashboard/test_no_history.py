"""AP2, PI12: a booking that the log has no event of, as after a lost log, is read as stored, and not changed."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database import tables
from tests.web.conftest import ClientFactory
from tests.web.dashboard.conftest import BrowserFactory
from tests.web.sample_data import id_of

BOOKING = id_of("ours.demo")
WHY = "the event log has no earlier event of this booking, so it can't be changed: restore a backup that has them"
HTMX = {"HX-Request": "true"}


@pytest.mark.usefixtures("own_sample_database")
async def test_the_form_of_its_outcome_says_why_nothing_can_be_saved(browser_of: BrowserFactory) -> None:
    member = browser_of("member")
    why = WHY.replace("'", "&#39;")
    tried = await member.post(f"/outcome/{BOOKING}/consequences", headers=HTMX, outcome="showed")
    assert (tried.status_code, f"This would be refused: {why}." in tried.text) == (200, True)
    for path in (f"/outcome/{BOOKING}", f"/bookings/{BOOKING}/outcome"):
        saved = await member.post(path, headers=HTMX, outcome="showed", seen="")
        assert (saved.status_code, why in saved.text) == (422, True), path


@pytest.mark.usefixtures("own_sample_database")
async def test_every_command_about_it_is_refused_and_changes_nothing(
    client_as: ClientFactory, sample_engine: AsyncEngine
) -> None:
    booking = select(tables.bookings).where(tables.bookings.c.id == BOOKING)
    async with sample_engine.connect() as tx:
        before = (await tx.execute(booking)).mappings().one()
    writer = client_as("writer")
    detail = (await writer.get(f"/api/bookings/{BOOKING}")).json()
    item = {"description": "Pilot", "quantity": "1", "unit_price": "5"}
    proposal = {"title": "T", "scope": "S", "items": [item], "currency": "EUR", "valid_until": "2030-01-01"}
    about_booking = {
        f"/api/bookings/{BOOKING}/outcome": {"outcome": "no_show"},
        f"/api/bookings/{BOOKING}/move": {"company_id": detail["company"]["id"]},
        f"/api/bookings/{BOOKING}/proposal": proposal,
    }
    for path, body in about_booking.items():
        refused = await writer.post(path, json=body)
        assert (refused.status_code, WHY[1:] in refused.text) == (409, True), (path, refused.text)
    # Its relatives: their own events can be applied, or are refused; none is an error of the server.
    for path, body in {
        f"/api/deals/{detail['deal_id']}": {"owner_email": "dana@ours.example"},
        f"/api/people/{detail['person']['id']}": {"name": "Ann"},
        f"/api/companies/{detail['company']['id']}": {"name": "Acme"},
    }.items():
        assert (await writer.patch(path, json=body)).status_code in (200, 409), path
    async with sample_engine.connect() as tx:
        assert (await tx.execute(booking)).mappings().one() == before
