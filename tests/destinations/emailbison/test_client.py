"""Seed 002's tests of the API client, for EmailBison: fetching, errors, and how queries are built (CA1)."""

from datetime import UTC, date, datetime

import httpx2
import pytest

from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.emailbison.objects import CampaignData, EmailBisonLead, Reply
from showup.destinations.vendor_api import VendorError
from tests.destinations.emailbison.emailbison_connection import EmailBisonConnection
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.vendors.faults import VendorResponse

DAY = datetime(2026, 9, 3, 8, 0, tzinfo=UTC)


class TestSuccessfulFetch:
    """Successful booking fetch, here of what EmailBison has."""

    async def test_campaigns_of_all_pages_with_totals(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        for number in range(200, 240):
            fake.workspace.add_campaign(number, f"Campaign {number}")
        fake.workspace.campaigns[101].add("Sent", date(2026, 9, 1), 7)
        found = [one async for one in connection.api().list_campaigns()]
        assert len(found) == 42
        assert (found[0].id, found[0].name, found[0].emails_sent, found[0].total_leads) == (101, "Founders NL", 7, 1)
        assert len(fake.calls) == 3

    async def test_numbers_arrive_as_text(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        text = {"id": "7", "name": "A", "emails_sent": "1918", "interested": "5", "unique_replies": "15"}
        fake.faults.queue(VendorResponse(200, {"data": [text], "meta": {"last_page": 1}}))
        [found] = [one async for one in connection.api().list_campaigns()]
        assert (found.id, found.emails_sent, found.interested, found.unique_replies) == (7, 1918, 5, 15)

    async def test_leads_by_cursor_from_new_to_old(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        for number in range(2, 41):
            fake.workspace.add_lead(f"lead{number}@acme.example", [101])
        api, ids, cursor, pages = connection.api(), [], None, 0
        while pages == 0 or cursor is not None:
            page = await api.list_leads(cursor)
            ids += [one.id for one in page.items]
            cursor, pages = page.next_cursor, pages + 1
        assert (ids, pages) == (list(range(40, 0, -1)), 3)

    async def test_a_lead_says_what_each_campaign_knows(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        lead = fake.workspace.leads[1]
        fake.workspace.reply(lead, 101, DAY, interested=True)
        found = await connection.api().find_lead(lead.email)
        assert found is not None
        assert found.memberships == (
            CampaignData(campaign_id=101, status="replied", emails_sent=1, replies=1, interested=True),
            CampaignData(campaign_id=102, status="in_sequence", emails_sent=1, replies=0, interested=False),
        )

    def test_one_campaign_may_be_no_list(self) -> None:
        """The document shows the leads of one campaign with one object instead of a list."""
        one = CampaignData(campaign_id=7, status="replied")
        assert EmailBisonLead(id=1, lead_campaign_data=one).memberships == (one,)
        assert EmailBisonLead(id=1, lead_campaign_data=CampaignData(status="replied")).memberships == ()

    async def test_an_unknown_lead_is_none(self, connection: EmailBisonConnection) -> None:
        assert await connection.api().find_lead("nobody@acme.example") is None

    async def test_replies_and_those_of_a_lead(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        lead = fake.workspace.leads[1]
        other = fake.workspace.add_lead("bea@acme.example", [101])
        fake.workspace.reply(lead, 101, DAY)
        fake.workspace.reply(other, 101, DAY, folder="Bounced", type="Bounced")
        page = await connection.api().list_replies()
        assert [(one.lead_id, one.folder) for one in page.items] == [(2, "Bounced"), (1, "Inbox")]
        [reply] = await connection.api().list_replies_of(1)
        assert isinstance(reply, Reply)
        assert (reply.campaign_id, reply.date_received, reply.interested) == (101, DAY, False)

    async def test_daily_statistics(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        fake.workspace.campaigns[101].add("Sent", date(2026, 9, 2), 30)
        found = await connection.api().get_daily_counts(101, date(2026, 9, 1), date(2026, 9, 3))
        [sent] = [one for one in found if one.label == "Sent"]
        assert sent.dates == ((date(2026, 9, 1), 0), (date(2026, 9, 2), 30), (date(2026, 9, 3), 0))

    async def test_the_workspace(self, connection: EmailBisonConnection) -> None:
        user = await connection.api().get_user()
        assert user.team is not None
        assert (user.team.id, user.team.name) == (1, "Cody's Team")
        assert [one.id for one in await connection.api().list_workspaces()] == [1]


class TestQueryParameterConstruction:
    async def test_filters_stand_in_brackets(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        old = fake.workspace.add_lead("old@acme.example", [101])
        new = fake.workspace.add_lead("new@acme.example", [101], updated_at=DAY)
        page = await connection.api().list_leads(updated_since=DAY.date())
        assert [one.id for one in page.items] == [new.id]
        assert old.updated_at < DAY
        assert fake.requests[0].query == {
            "pagination_type": "cursor",
            "filters[updated_at][criteria]": ">=",
            "filters[updated_at][value]": "2026-09-03",
        }

    def test_dots_would_be_ignored(self, fake: FakeEmailBison) -> None:
        """The reason for the brackets: EmailBison's servers ignore the spelling of its document."""
        query = {"filters.updated_at.criteria": ">=", "filters.updated_at.value": "2030-01-01"}
        response = httpx2.get(f"{fake.url}/leads", params=query, headers={"Authorization": f"Bearer {fake.key}"})
        assert len(response.json()["data"]) == 1

    async def test_every_page_names_the_kind_of_paging(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        for number in range(2, 18):
            fake.workspace.add_lead(f"lead{number}@acme.example")
        first = await connection.api().list_leads()
        await connection.api().list_leads(first.next_cursor)
        assert [one.query.get("pagination_type") for one in fake.requests] == ["cursor", "cursor"]

    async def test_an_email_is_quoted_in_the_path(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        assert await connection.api().find_lead("a/b?c#d@acme.example") is None
        assert fake.requests[0].target == "/api/leads/a%2Fb%3Fc%23d%40acme.example"


class TestApiErrorHandling:
    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            ("401", "EmailBison rejected the API token: Unauthenticated. Create an API token"),
            ("403", "EmailBison denied access to the leads: This action is unauthorized. Use an API token"),
            ("429", "EmailBison rate limit reached: rate_limited"),
            ("500", "EmailBison is unavailable: Server Error"),
            ("reset", "EmailBison closed the connection without a response"),
            ("html", "unexpected response (not EmailBison's API): HTTP 200. Check EMAILBISON_URL, or api_url"),
        ],
    )
    async def test_an_error_says_what_to_do(
        self, connection: EmailBisonConnection, fake: FakeEmailBison, fault: str, says: str
    ) -> None:
        fake.faults.queue(fault)
        with pytest.raises(VendorError) as error:
            await connection.api().list_leads()
        assert str(error.value).startswith(says)
        assert isinstance(error.value.outcome, TryAgain)

    async def test_a_limit_says_when_it_ends(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        fake.faults.queue("429")
        with pytest.raises(VendorError) as error:
            await connection.api().get_user()
        outcome = error.value.outcome
        assert isinstance(outcome, TryAgain)
        assert outcome.not_before is not None

    async def test_a_validation_error_is_final(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        fake.faults.queue("422")
        with pytest.raises(VendorError) as error:
            await connection.api().create_variable("meeting_status")
        assert isinstance(error.value.outcome, GaveUp)
        assert "The given data was invalid" in str(error.value)

    async def test_a_malformed_item_does_not_hide_the_others(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        fake.faults.queue(VendorResponse(200, {"data": [{"id": "x"}, {"id": 7}, None], "meta": {}}))
        page = await connection.api().list_leads()
        assert [one.id for one in page.items] == [7]
        fake.faults.queue(*[VendorResponse(200, {"data": data}) for data in ([{"id": -1}], {"id": 7})])
        for _ in range(2):
            with pytest.raises(VendorError, match="the response is malformed"):
                await connection.api().list_leads()

    async def test_a_cursor_that_leads_nowhere_ends(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        fake.faults.queue(VendorResponse(200, {"data": [], "meta": {"next_cursor": "again"}}))
        with pytest.raises(VendorError, match="the next page is the same again"):
            await connection.api().list_leads("again")

    @pytest.mark.parametrize("cursor", ["a\0b", "\ud800", "x" * 5_000])
    async def test_a_cursor_that_no_database_stores_is_refused(
        self, connection: EmailBisonConnection, fake: FakeEmailBison, cursor: str
    ) -> None:
        fake.faults.queue(VendorResponse(200, {"data": [], "meta": {"next_cursor": cursor}}))
        with pytest.raises(VendorError, match="unexpected response"):
            await connection.api().list_leads()

    @pytest.mark.parametrize("total", [-1, 2**70, "many", None])
    async def test_a_total_that_no_list_has_is_unknown(
        self, connection: EmailBisonConnection, fake: FakeEmailBison, total: object
    ) -> None:
        fake.faults.queue(VendorResponse(200, {"data": [], "meta": {"total": total}}))
        assert await connection.api().count_leads() is None

    async def test_a_list_of_pages_that_never_ends_is_cut(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        endless = VendorResponse(200, {"data": [{"name": "x"}], "meta": {"last_page": 10_000}})
        fake.faults.queue(*[endless] * 300)
        assert len([one async for one in connection.api().list_variables()]) == 200
