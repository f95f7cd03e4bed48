"""People and companies by hand (PI12): entered, corrected, made one, and two again."""

from typing import Any
from uuid import uuid4

import httpx2

from tests.stories.webhooks import body, payload
from tests.web.conftest import Asking
from tests.web.scene import DAY, TODAY, Scene, heard, ticking


async def merged(writer: httpx2.AsyncClient, noun: str, gone: Any, stays: Any) -> httpx2.Response:
    return await writer.post(f"/api/{noun}/merge", json={"gone_id": str(gone), "stays_id": str(stays)})


async def test_a_person_is_entered(writer: httpx2.AsyncClient, scene: Scene) -> None:
    said = {"email": " Ann@Acme.com", "name": "Ann", "time_zone": "Europe/Berlin", "phone": "+49 30 1"}
    answer = await writer.post("/api/people", json=said | {"company_id": str(scene.company("acme.com"))})
    assert answer.status_code == 201, answer.text
    person = answer.json()
    assert person["id"] == str(scene.person("ann@acme.com"))
    assert (person["email"], person["name"], person["time_zone"]) == ("ann@acme.com", "Ann", "Europe/Berlin")
    assert person["company"]["domain"] == "acme.com"
    assert [(line["what"], line["actor"]) for line in person["timeline"]] == [("person.recorded", "key:writer")]
    assert (await writer.get(f"/api/people/{person['id']}")).json() == person


async def test_who_is_known_is_corrected_and_not_entered_again(writer: httpx2.AsyncClient, scene: Scene) -> None:
    sarah = scene.person("sarah@acme.com")
    answer = await writer.post("/api/people", json={"email": "SARAH@acme.com"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:showup:problem:exists-already")
    assert str(sarah) in answer.json()["detail"]
    assert not await scene.commands()
    corrected = await writer.patch(f"/api/people/{sarah}", json={"name": "Sarah Chen"})
    assert (corrected.status_code, corrected.json()["name"]) == (200, "Sarah Chen")
    # Whatever Cal.com says of her later.
    late = body("BOOKING_CREATED", TODAY + DAY, payload("late", 9, TODAY + 3 * DAY, ["sarah@acme.com"]))
    await heard(scene.engine, "ours", [late], ticking())
    assert (await writer.get(f"/api/people/{sarah}")).json()["name"] == "Sarah Chen"


async def test_an_email_and_a_domain_cannot_be_corrected(writer: httpx2.AsyncClient, scene: Scene) -> None:
    ways = {
        f"/api/people/{scene.person('sarah@acme.com')}": {"email": "other@acme.com"},
        f"/api/companies/{scene.company('acme.com')}": {"domain": "other.com", "name": "Acme"},
    }
    for path, said in ways.items():
        answer = await writer.patch(path, json=said)
        assert answer.status_code == 422
        assert "merge" in answer.json()["errors"][0]["detail"]


async def test_people_who_cannot_be_meant_are_refused_by_the_field(writer: httpx2.AsyncClient, scene: Scene) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@c.example"}, "email"),
        ({"email": "a@c.example", "name": " "}, "name"),
        ({"email": "a@c.example", "name": "x" * 501}, "name"),
        ({"email": "a@c.example", "name": None}, "name"),
        ({"email": "a@c.example", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"email": "a@c.example", "company_id": str(uuid4())}, "company_id"),
        ({"email": "a@c.example", "company_id": str(scene.company("acme.com", "theirs"))}, "company_id"),
        ({"email": "a@c.example", "nmae": "Ann"}, "nmae"),
    ]
    for said, field in wrong:
        answer = await writer.post("/api/people", json=said)
        assert answer.status_code == 422, said
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not await scene.commands()


async def test_a_company_is_entered_with_a_domain_or_without(writer: httpx2.AsyncClient, scene: Scene) -> None:
    known = await writer.post("/api/companies", json={"name": "Hooli", "domain": "Hooli.com"})
    assert known.status_code == 201, known.text
    assert known.json()["id"] == str(scene.company("hooli.com"))
    assert (known.json()["name"], known.json()["domain"]) == ("Hooli", "hooli.com")
    assert [line["actor"] for line in known.json()["timeline"]] == ["key:writer"]
    nameless = (await writer.post("/api/companies", json={"domain": "pied-piper.com"})).json()
    assert nameless["name"] == "pied-piper.com"
    bare = await writer.post("/api/companies", json={"name": "The Shop"})
    assert (bare.status_code, bare.json()["domain"], bare.json()["name"]) == (201, None, "The Shop")
    again = await writer.patch(f"/api/companies/{bare.json()['id']}", json={"name": "The Corner Shop"})
    assert (again.json()["id"], again.json()["name"]) == (bare.json()["id"], "The Corner Shop")


async def test_companies_who_cannot_be_meant_are_refused(writer: httpx2.AsyncClient, scene: Scene) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "body"),
        ({"name": ""}, "name"),
        ({"domain": "acme"}, "domain"),
        ({"domain": "https://acme.com/"}, "domain"),
        ({"domain": "mail.hooli.com"}, "domain"),
        ({"domain": "10.0.0.1"}, "domain"),
    ]
    for said, field in wrong:
        answer = await writer.post("/api/companies", json=said)
        assert answer.status_code == 422, said
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    known = await writer.post("/api/companies", json={"name": "Acme", "domain": "acme.com"})
    assert (known.status_code, str(scene.company("acme.com")) in known.json()["detail"]) == (409, True)
    assert not await scene.commands()


async def test_two_people_become_one_and_two_again(writer: httpx2.AsyncClient, scene: Scene) -> None:
    pat, sarah = scene.person("pat@gmail.com"), scene.person("sarah@acme.com")
    before = (await writer.get(f"/api/people/{pat}")).json()
    answer = await merged(writer, "people", pat, sarah)
    assert answer.status_code == 201, answer.text
    merge = answer.json()
    assert (merge["kind"], merge["gone"], merge["stays"]) == ("people", "pat@gmail.com", "sarah@acme.com")
    assert (merge["gone_id"], merge["stays_id"], merge["actor"]) == (str(pat), str(sarah), "key:writer")
    assert (await writer.get("/api/merges")).json()["items"] == [merge]
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


async def test_two_companies_become_one_with_one_active_deal(writer: httpx2.AsyncClient, scene: Scene) -> None:
    globex, acme = scene.company("globex.co.uk"), scene.company("acme.com")
    gone_deal = await scene.deal_of("globex")
    merge = (await merged(writer, "companies", globex, acme)).json()
    company = (await writer.get(f"/api/companies/{globex}")).json()
    assert company["id"] == str(acme)
    assert [deal["status"] for deal in company["deals"]].count("active") == 1
    # Where the deal is no more, its id leads to the one that its booking is of.
    led = (await writer.get(f"/api/deals/{gone_deal}")).json()
    assert led["id"] == str(await scene.deal_of("globex"))
    assert (await writer.patch(f"/api/deals/{gone_deal}", json={"stage": "proposal"})).json()["id"] == led["id"]
    assert (await writer.delete(f"/api/merges/{merge['id']}")).status_code == 200
    assert (await writer.get(f"/api/companies/{globex}")).json()["id"] == str(globex)


async def test_ids_lead_on_through_a_chain_of_merges(writer: httpx2.AsyncClient, scene: Scene) -> None:
    gina, pat, sarah = (scene.person(one) for one in ("gina@globex.co.uk", "pat@gmail.com", "sarah@acme.com"))
    assert (await merged(writer, "people", gina, pat)).status_code == 201
    assert (await merged(writer, "people", pat, sarah)).status_code == 201
    for gone in (gina, pat):
        assert (await writer.get(f"/api/people/{gone}")).json()["id"] == str(sarah)
        corrected = await writer.patch(f"/api/people/{gone}", json={"phone": "+1"})
        assert (corrected.json()["id"], corrected.json()["phone"]) == (str(sarah), "+1")
    # Who is somebody else already can't be entered, nor become a third.
    known = await writer.post("/api/people", json={"email": "gina@globex.co.uk"})
    assert (known.status_code, str(sarah) in known.json()["detail"]) == (409, True)
    third = await merged(writer, "people", gina, scene.person("ian@initech.com"))
    assert (third.status_code, third.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")


async def test_what_is_one_already_or_unknown_is_not_merged(
    writer: httpx2.AsyncClient, scene: Scene, acting: Asking
) -> None:
    sarah, theirs = scene.person("sarah@acme.com"), scene.person("sarah@acme.com", "theirs")
    same = await merged(writer, "people", sarah, sarah)
    assert (same.status_code, same.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")
    for who in (writer, acting("everywhere")):
        answer = await merged(who, "people", sarah, theirs)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "stays_id")
    unknown = await merged(writer, "people", uuid4(), sarah)
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "gone_id")
    wrong_noun = await merged(writer, "companies", sarah, sarah)
    assert wrong_noun.status_code == 422


async def test_a_key_for_all_workspaces_names_the_one_in_which_it_enters_something(
    acting: Asking, scene: Scene
) -> None:
    everywhere = acting("everywhere")
    said = {"email": "new@hooli.com"}
    vague = await everywhere.post("/api/people", json=said)
    assert (vague.status_code, vague.json()["errors"][0]["field"]) == (422, "workspace")
    made = await everywhere.post("/api/people?workspace=theirs", json=said)
    assert (made.status_code, made.json()["id"]) == (201, str(scene.person("new@hooli.com", "theirs")))
    assert (await acting("stranger").get(f"/api/people/{made.json()['id']}")).status_code == 200
    assert (await acting("writer").get(f"/api/people/{made.json()['id']}")).status_code == 404
