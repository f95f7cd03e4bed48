"""CA7: `/api/live` over real HTTP: what changed, from where it was left, over one LISTEN that heals."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from showup.access.sessions_store import csrf_token_of
from tests.web.dashboard.site import Site
from tests.web.sample_data import id_of, key_of, session_of

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"


def booking_of(site: Site, workspace: str) -> str:
    query = "SELECT id FROM showup.bookings WHERE calcom_uid = 'globex' AND workspace_id = :id"
    return str(site.execute(query, id=id_of(workspace))[0][0])


class Stream:
    """One open stream; `next` returns the next event of a kind, with its id and data."""

    def __init__(self, response: httpx2.Response) -> None:
        assert response.status_code == 200, response.read()
        self._lines = response.iter_lines()

    def next(self, *kinds: str) -> tuple[str, str | None, dict[str, object]]:
        event: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event.get("event") in kinds:
                return event["event"], event.get("id"), json.loads(event["data"])
            else:
                event = {}
        raise AssertionError("the stream ended")


@contextmanager
def stream(site: Site, name: str = "reader", query: str = "", **headers: str) -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {key_of(name)}"} | headers
    with httpx2.stream("GET", f"{site.address}/api/live{query}", headers=headers, timeout=20) as response:
        yield Stream(response)


def report(site: Site, name: str, workspace: str, outcome: str) -> int:
    form = {"csrf": csrf_token_of(session_of(name)), "outcome": outcome}
    url = f"{site.address}/bookings/{booking_of(site, workspace)}/report"
    return httpx2.post(url, data=form, cookies={"showup_session": session_of(name)}).status_code


def test_a_report_reaches_open_pages_by_name_and_only_those_of_the_workspace(site: Site) -> None:
    with stream(site) as ours, stream(site, "stranger") as theirs:
        _, start, _ = ours.next("position")
        theirs.next("position")
        assert report(site, "member", "ours", "no_show") == 303
        assert ours.next("booking")[2] == {"ids": [booking_of(site, "ours")]}
        _, number, _ = ours.next("position")
        assert int(number or 0) > int(start or 0)
        assert report(site, "stranger", "theirs", "showed") == 303
        # The first change that reaches the stranger is their own.
        assert theirs.next("booking")[2] == {"ids": [booking_of(site, "theirs")]}


def test_a_stream_goes_on_where_it_was_left_and_begins_where_a_page_was_made(site: Site) -> None:
    with stream(site) as first:
        _, number, _ = first.next("position")
    report(site, "member", "ours", "showed")
    with stream(site, **{"Last-Event-ID": str(number)}) as resumed:
        assert resumed.next("booking", "position")[0] == "booking"
    with stream(site, query=f"?since={number}") as from_page:
        assert from_page.next("booking", "position")[0] == "booking"
    with stream(site, **{"Last-Event-ID": "9" * 20}) as absurd:
        assert absurd.next("position")[0] == "position"


def test_all_pages_of_a_process_share_one_listen_and_a_lost_one_heals(site: Site) -> None:
    with stream(site) as one, stream(site, "stranger") as other:
        for each in (one, other):
            each.next("position")
        [[pid]] = site.execute(LISTENERS)
        site.execute("SELECT pg_terminate_backend(:pid)", pid=pid)
        assert one.next("connection")[2] == {"database": False}
        assert one.next("connection")[2] == {"database": True}
        assert one.next("booking")[2] == {"ids": []}, "whatever was missed meanwhile"
        report(site, "member", "ours", "no_show")
        assert one.next("booking")[0] == "booking"


def test_a_session_opens_the_stream_and_its_end_closes_it(site: Site) -> None:
    cookies = {"showup_session": session_of("read_only")}
    with httpx2.stream("GET", f"{site.address}/api/live", cookies=cookies, timeout=20) as response:
        assert Stream(response).next("position")[0] == "position"
    assert httpx2.get(f"{site.address}/api/live").status_code == 401
    assert httpx2.get(f"{site.address}/api/live", cookies={"showup_session": "made up"}).status_code == 401
