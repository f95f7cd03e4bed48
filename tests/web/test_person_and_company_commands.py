"""Manual changes of people and companies (PI12): create, update, merge, and undo a merge."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.histories.webhooks import body, payload
from tests.web.conftest import ClientFactory
from tests.web.scenario import DAY, TODAY, Scenario, ingest_and_project, ticking_clock


async def merge_records(writer: httpx2.AsyncClient, noun: str, merged_id: Any, surviving_id: Any) -> httpx2.Response:
    return await writer.post(f"/api/{noun}/merge", json={"gone_id": str(merged_id), "stays_id": str(surviving_id)})


async def test_a_person_is_created(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    fields = {"email": " Ann@Acme.com", "name": "Ann", "time_zone": "Europe/Berlin", "phone": "+49 30 1"}
    response = await writer.post("/api/people", json=fields | {"company_id": str(scenario.company_id("acme.com"))})
    assert response.status_code == 201, response.text
    person = response.json()
    assert person["id"] == str(scenario.person_id("ann@acme.com"))
    assert (person["email"], person["name"], person["time_zone"]) == ("ann@acme.com", "Ann", "Europe/Berlin")
    assert person["company"]["domain"] == "acme.com"
    assert [(line["what"], line["actor"]) for line in person["timeline"]] == [("person.recorded", "key:writer")]
    found = (await writer.get(f"/api/people/{person['id']}")).json()
    assert found == person | {"as_of": found["as_of"]}


async def test_a_known_person_is_updated_not_created_again(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    sarah = scenario.person_id("sarah@acme.com")
    response = await writer.post("/api/people", json={"email": "SARAH@acme.com"})
    assert (response.status_code, response.json()["type"]) == (409, "urn:showup:problem:exists-already")
    assert str(sarah) in response.json()["detail"]
    assert not await scenario.commands()
    corrected = await writer.patch(f"/api/people/{sarah}", json={"name": "Sarah Chen"})
    assert (corrected.status_code, corrected.json()["name"]) == (200, "Sarah Chen")
    # Later events from Cal.com do not overwrite the name.
    late = body("BOOKING_CREATED", TODAY + DAY, payload("late", 9, TODAY + 3 * DAY, ["sarah@acme.com"]))
    await ingest_and_project(scenario.engine, "ours", [late], ticking_clock())
    assert (await writer.get(f"/api/people/{sarah}")).json()["name"] == "Sarah Chen"


async def test_both_spellings_of_a_domain_are_one(writer: httpx2.AsyncClient) -> None:
    """F11: what the API takes and filters by may be in letters; it answers with the one spelling."""
    company = await writer.post("/api/companies", json={"domain": "Bäckerei-Stern.example", "name": "Stern"})
    assert (company.status_code, company.json()["domain"]) == (201, "xn--bckerei-stern-bfb.example")
    person = await writer.post("/api/people", json={"email": "Info@Bäckerei-Stern.example"})
    assert person.json()["email"] == "info@xn--bckerei-stern-bfb.example"
    for path in ("companies?domain=BÄCKEREI-stern.example", "companies?domain=xn--bckerei-stern-bfb.example"):
        assert [item["id"] for item in (await writer.get(f"/api/{path}")).json()["items"]] == [company.json()["id"]]
    for email in ("info@bäckerei-stern.example", "INFO@xn--bckerei-stern-bfb.example"):
        found = (await writer.get("/api/people", params={"email": email})).json()["items"]
        assert [item["id"] for item in found] == [person.json()["id"]]
    again = await writer.post("/api/people", json={"email": "info@xn--bckerei-stern-bfb.example"})
    assert again.status_code == 409


async def test_an_assigned_person_books_for_their_company(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    """M04: a private address, put into a company by PATCH or by a merge, joins that company's deal."""
    pat, acme = scenario.person_id("pat@gmail.com"), scenario.company_id("acme.com")
    assigned = await writer.patch(f"/api/people/{pat}", json={"company_id": str(acme)})
    assert (assigned.status_code, assigned.json()["company"]["domain"]) == (200, "acme.com")
    new = (await writer.post("/api/people", json={"email": "kim@gmail.com"})).json()
    assert (await merge_records(writer, "people", new["id"], scenario.person_id("sarah@acme.com"))).status_code == 201
    bodies = [
        body("BOOKING_CREATED", TODAY + DAY, payload(uid, number, TODAY + 3 * DAY, [email]))
        for number, (uid, email) in enumerate([("by-pat", "pat@gmail.com"), ("by-kim", "kim@gmail.com")], start=900)
    ]
    await ingest_and_project(scenario.engine, "ours", bodies, ticking_clock())
    active = [
        one["id"] for one in (await writer.get(f"/api/companies/{acme}")).json()["deals"] if one["status"] == "active"
    ]
    for uid in ("by-pat", "by-kim"):
        (booking,) = (await writer.get("/api/bookings", params={"uid": uid})).json()["items"]
        assert [booking["deal_id"]] == active
        timeline = (await writer.get(f"/api/bookings/{booking['id']}")).json()["timeline"]
        assert [line["because"] for line in timeline if line["what"] == "booking.assigned"] == [
            f"a person assigned {uid.removeprefix('by-')}@gmail.com to acme.com"
        ]


async def test_an_email_and_a_domain_cannot_be_corrected(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    fields_by_path = {
        f"/api/people/{scenario.person_id('sarah@acme.com')}": {"email": "other@acme.com"},
        f"/api/companies/{scenario.company_id('acme.com')}": {"domain": "other.com", "name": "Acme"},
    }
    for path, fields in fields_by_path.items():
        response = await writer.patch(path, json=fields)
        assert response.status_code == 422
        assert "merge" in response.json()["errors"][0]["detail"]


async def test_invalid_people_are_refused_by_field(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    invalid: list[tuple[dict[str, Any], str]] = [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@c.example"}, "email"),
        ({"email": "a@c.example", "name": " "}, "name"),
        ({"email": "a@c.example", "name": "x" * 501}, "name"),
        ({"email": "a@c.example", "name": None}, "name"),
        ({"email": "a@c.example", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"email": "a@c.example", "company_id": str(uuid4())}, "company_id"),
        ({"email": "a@c.example", "company_id": str(scenario.company_id("acme.com", "theirs"))}, "company_id"),
        ({"email": "a@c.example", "nmae": "Ann"}, "nmae"),
    ]
    for fields, field in invalid:
        response = await writer.post("/api/people", json=fields)
        assert response.status_code == 422, fields
        assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not await scenario.commands()


async def test_a_company_is_created_with_or_without_a_domain(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    known = await writer.post("/api/companies", json={"name": "Hooli", "domain": "Hooli.com"})
    assert known.status_code == 201, known.text
    assert known.json()["id"] == str(scenario.company_id("hooli.com"))
    assert (known.json()["name"], known.json()["domain"]) == ("Hooli", "hooli.com")
    assert [line["actor"] for line in known.json()["timeline"]] == ["key:writer"]
    nameless = (await writer.post("/api/companies", json={"domain": "pied-piper.com"})).json()
    assert nameless["name"] == "pied-piper.com"
    bare = await writer.post("/api/companies", json={"name": "The Shop"})
    assert (bare.status_code, bare.json()["domain"], bare.json()["name"]) == (201, None, "The Shop")
    again = await writer.patch(f"/api/companies/{bare.json()['id']}", json={"name": "The Corner Shop"})
    assert (again.json()["id"], again.json()["name"]) == (bare.json()["id"], "The Corner Shop")


async def test_invalid_companies_are_refused(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    invalid: list[tuple[dict[str, Any], str]] = [
        ({}, "body"),
        ({"name": ""}, "name"),
        ({"domain": "acme"}, "domain"),
        ({"domain": "https://acme.com/"}, "domain"),
        ({"domain": "mail.hooli.com"}, "domain"),
        ({"domain": "10.0.0.1"}, "domain"),
    ]
    for fields, field in invalid:
        response = await writer.post("/api/companies", json=fields)
        assert response.status_code == 422, fields
        assert [error["field"] for error in response.json()["errors"]] == [field]
    known = await writer.post("/api/companies", json={"name": "Acme", "domain": "acme.com"})
    assert (known.status_code, str(scenario.company_id("acme.com")) in known.json()["detail"]) == (409, True)
    assert not await scenario.commands()


async def test_a_merge_of_people_is_undone(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    pat, sarah = scenario.person_id("pat@gmail.com"), scenario.person_id("sarah@acme.com")
    before = (await writer.get(f"/api/people/{pat}")).json()
    response = await merge_records(writer, "people", pat, sarah)
    assert response.status_code == 201, response.text
    merge = response.json()
    assert (merge["kind"], merge["gone"], merge["stays"]) == ("people", "pat@gmail.com", "sarah@acme.com")
    assert (merge["gone_id"], merge["stays_id"], merge["actor"]) == (str(pat), str(sarah), "key:writer")
    (found,) = (await writer.get("/api/merges")).json()["items"]
    assert merge == found | {"as_of": merge["as_of"]}
    one = (await writer.get(f"/api/people/{pat}")).json()
    assert one["id"] == str(sarah)
    assert {booking["id"] for booking in one["bookings"]} >= {booking["id"] for booking in before["bookings"]}
    assert "people.merged" in [line["what"] for line in one["timeline"]]
    undone = await writer.delete(f"/api/merges/{merge['id']}")
    assert (undone.status_code, undone.json()) == (200, merge)
    after = (await writer.get(f"/api/people/{pat}")).json()
    assert (after["id"], after["bookings"]) == (before["id"], before["bookings"])
    assert (await writer.get("/api/merges")).json()["items"] == []
    assert (await writer.delete(f"/api/merges/{merge['id']}")).status_code == 404


async def test_a_merge_of_companies_leaves_one_active_deal(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    globex, acme = scenario.company_id("globex.co.uk"), scenario.company_id("acme.com")
    gone_deal = await scenario.deal_id("globex")
    merge = (await merge_records(writer, "companies", globex, acme)).json()
    company = (await writer.get(f"/api/companies/{globex}")).json()
    assert company["id"] == str(acme)
    assert [deal["status"] for deal in company["deals"]].count("active") == 1
    # The id of a deal that no longer exists leads to the deal of its booking.
    resolved = (await writer.get(f"/api/deals/{gone_deal}")).json()
    assert resolved["id"] == str(await scenario.deal_id("globex"))
    assert (await writer.patch(f"/api/deals/{gone_deal}", json={"stage": "proposal"})).json()["id"] == resolved["id"]
    assert (await writer.delete(f"/api/merges/{merge['id']}")).status_code == 200
    assert (await writer.get(f"/api/companies/{globex}")).json()["id"] == str(globex)


async def test_ids_resolve_through_a_chain_of_merges(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    gina, pat, sarah = (scenario.person_id(one) for one in ("gina@globex.co.uk", "pat@gmail.com", "sarah@acme.com"))
    assert (await merge_records(writer, "people", gina, pat)).status_code == 201
    assert (await merge_records(writer, "people", pat, sarah)).status_code == 201
    for merged_id in (gina, pat):
        assert (await writer.get(f"/api/people/{merged_id}")).json()["id"] == str(sarah)
        corrected = await writer.patch(f"/api/people/{merged_id}", json={"phone": "+1"})
        assert (corrected.json()["id"], corrected.json()["phone"]) == (str(sarah), "+1")
    # A merged person can be neither created nor merged again.
    known = await writer.post("/api/people", json={"email": "gina@globex.co.uk"})
    assert (known.status_code, str(sarah) in known.json()["detail"]) == (409, True)
    third = await merge_records(writer, "people", gina, scenario.person_id("ian@initech.com"))
    assert (third.status_code, third.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")


async def test_invalid_merges_are_refused(
    writer: httpx2.AsyncClient, scenario: Scenario, scenario_client_as: ClientFactory
) -> None:
    sarah, theirs = scenario.person_id("sarah@acme.com"), scenario.person_id("sarah@acme.com", "theirs")
    same = await merge_records(writer, "people", sarah, sarah)
    assert (same.status_code, same.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")
    for client in (writer, scenario_client_as("everywhere")):
        response = await merge_records(client, "people", sarah, theirs)
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "stays_id")
    unknown = await merge_records(writer, "people", uuid4(), sarah)
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "gone_id")
    wrong_noun = await merge_records(writer, "companies", sarah, sarah)
    assert wrong_noun.status_code == 422


async def test_a_key_for_all_workspaces_must_name_one_to_create(
    scenario_client_as: ClientFactory, scenario: Scenario
) -> None:
    everywhere = scenario_client_as("everywhere")
    fields = {"email": "new@hooli.com"}
    ambiguous = await everywhere.post("/api/people", json=fields)
    assert (ambiguous.status_code, ambiguous.json()["errors"][0]["field"]) == (422, "workspace")
    created = await everywhere.post("/api/people?workspace=theirs", json=fields)
    assert (created.status_code, created.json()["id"]) == (201, str(scenario.person_id("new@hooli.com", "theirs")))
    assert (await scenario_client_as("stranger").get(f"/api/people/{created.json()['id']}")).status_code == 200
    assert (await scenario_client_as("writer").get(f"/api/people/{created.json()['id']}")).status_code == 404


@pytest.mark.parametrize("q", ["alvarez", "Álvarez", "ALVAREZ jose", "A\u0301lvarez"])
async def test_m10_a_search_needs_no_accents(writer: httpx2.AsyncClient, q: str) -> None:
    """M10: people type names without accents."""
    assert (await writer.post("/api/people", json={"email": "j@x.example", "name": "José Álvarez"})).status_code == 201
    found = (await writer.get("/api/people", params={"q": q})).json()["items"]
    assert [person["name"] for person in found] == ["José Álvarez"]
