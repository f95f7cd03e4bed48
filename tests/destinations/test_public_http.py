"""URLs that others choose can't reach this machine or its network (QUALITY: let nobody in)."""

import asyncio
import gzip
from collections.abc import Iterator, Sequence

import httpx2
import pytest

from showup.destinations import public_http, vendor_api
from showup.destinations.public_addresses import AddressPolicy, Lookup, is_public, refusal_reason, resolve_host
from showup.destinations.public_http import PrivateAddress
from showup.destinations.vendor_api import no_response
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver
from tests.vendors.server import ReceivedRequest, VendorResponse, VendorServer

PUBLIC = [
    "1.1.1.1",
    "168.63.129.15",
    "192.0.1.1",
    "3fff:1000::1",
    "2001:200::1",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "64:ff9b::101:101",
    "::ffff:1.1.1.1",
]
PRIVATE = [
    *("127.0.0.1", "127.8.9.1", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    # Link-local, including the clouds' metadata services with secrets; carrier-grade NAT; for tests and documents.
    *("169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.2.1", "198.18.0.1", "203.0.113.9"),
    *("224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1"),
    # IPv4 within IPv6: mapped, NAT64, 6to4, Teredo, and compatible.
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"),
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    # S06: Azure's host agent, protocol assignments with Oracle's metadata service, documentation of 2024, 6to4 relays.
    *("168.63.129.16", "192.0.0.1", "192.0.0.9", "192.0.0.192", "192.88.99.1", "198.51.100.7", "::ffff:168.63.129.16"),
    *("64:ff9b::a83f:8110", "64:ff9b:1::1", "3fff::1", "3fff:fff::1", "2001:1::1", "2001:20::1", "5f00::1", "4000::1"),
    *("", "localhost", "1.2.3", "nonsense"),
]
REFUSED = {
    "": "it is not a URL",
    "crm.example.com": "it is not a URL",
    "ftp://crm.example.com": "it is not a URL",
    "https://": "it is not a URL",
    "https://crm.example.com:0/": "it is not a URL",
    "https://crm.example.com:99999/": "it is not a URL",
    "https://[::1": "it is not a URL",
    "http://crm.example.com/hook": "does not begin with https://",
    "https://user:pw@crm.example.com/": "user or password",
    "https://crm.example.com/#top": "a fragment (#)",
    "https://localhost/": "not a public address",
    "https://LOCALHOST./": "not a public address",
    "https://db.localhost/": "not a public address",
    "https://intranet/": "not a public address",
    "https://printer.local/": "not a public address",
    "https://metadata.google.internal/": "not a public address",
    "https://127.0.0.1/": "not a public address",
    "https://127.1/": "not a public address",
    "https://2130706433/": "not a public address",
    "https://0x7f.0.0.1/": "not a public address",
    "https://0177.0.0.1/": "not a public address",
    "https://10.0.0.1:8443/": "not a public address",
    "https://169.254.169.254/latest/meta-data": "not a public address",
    "https://[::1]/": "not a public address",
    "https://[::ffff:127.0.0.1]/": "not a public address",
    "https://[fd00:ec2::254]/": "not a public address",
}


def leads_to(*addresses: str) -> Lookup:
    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return lookup


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_only_we_reach_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url", ["https://crm.example.com/hook?a=1", "https://8.8.8.8/", "https://CRM.example.com:8443"]
)
def test_an_address_on_the_internet_passes(url: str) -> None:
    assert refusal_reason(url, allow_private=False) is None


@pytest.mark.parametrize(("url", "because"), REFUSED.items())
def test_an_address_that_can_be_no_good_is_refused_by_its_text(url: str, because: str) -> None:
    assert because in (refusal_reason(url, allow_private=False) or "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://localhost", "https://intranet/", "http://[::1]/"])
def test_private_ones_pass_where_they_are_allowed(url: str) -> None:
    assert refusal_reason(url, allow_private=True) is None


async def test_a_host_is_resolved_when_a_lookup_is_available() -> None:
    url = "https://crm.example.com/"
    assert await AddressPolicy(lookup=leads_to("1.1.1.1")).refusal_reason(url) is None
    assert "resolves to 10.0.0.1" in (
        await AddressPolicy(lookup=leads_to("1.1.1.1", "10.0.0.1")).refusal_reason(url) or ""
    )
    assert await AddressPolicy(allow_private=True, lookup=leads_to("10.0.0.1")).refusal_reason(url) is None
    assert await AddressPolicy().refusal_reason(url) is None


async def test_an_unresolvable_host_is_allowed() -> None:
    async def nobody(_host: str, _port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    assert await AddressPolicy(lookup=nobody).refusal_reason("https://crm.example.com/") is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_no_connection_is_made_to_where_it_must_not_lead(address: str) -> None:
    with FakeWebhookReceiver() as fake:
        async with public_http.client("1", AddressPolicy(lookup=leads_to(address))) as client:
            with pytest.raises(PrivateAddress, match="SHOWUP_ALLOW_PRIVATE_ADDRESSES") as refused:
                await client.post(fake.url.replace("127.0.0.1", "crm.example.com"))
        assert fake.requests == []
    assert "not a public address" in no_response("the endpoint", refused.value).because


async def test_one_private_address_among_public_ones_is_enough() -> None:
    async with public_http.client("1", AddressPolicy(lookup=leads_to("1.1.1.1", "127.0.0.1"))) as client:
        with pytest.raises(PrivateAddress):
            await client.get("http://crm.example.com/")


async def test_a_host_that_later_resolves_to_a_private_address_gets_nothing() -> None:
    """DNS rebinding: the addresses at registration prove nothing about later ones."""
    answers = [["1.1.1.1"], ["127.0.0.1"]]

    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    policy = AddressPolicy(lookup=lookup)
    assert await policy.refusal_reason("https://crm.example.com/") is None
    with FakeWebhookReceiver() as fake:
        async with public_http.client("1", policy) as client:
            with pytest.raises(PrivateAddress):
                await client.post(fake.url.replace("127.0.0.1", "crm.example.com"))
        assert fake.requests == []
    assert answers == []


async def test_the_real_lookup_finds_this_machine_and_is_refused_it() -> None:
    assert "127.0.0.1" in await resolve_host("localhost", 80)
    async with public_http.client("1", AddressPolicy()) as client:
        for url in ("http://localhost:1/", "http://127.0.0.1:1/", "http://2130706433:1/", "http://[::1]:1/"):
            with pytest.raises(PrivateAddress):
                await client.get(url)


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 300 + ".example.com"])
async def test_a_name_that_can_not_be_found_is_a_failure_like_others(name: str) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        if len(host) < 64:
            raise OSError("Name or service not known")
        return await resolve_host(host, port)

    async with public_http.client("1", AddressPolicy(lookup=lookup)) as client:
        with pytest.raises(httpx2.ConnectError, match="can't be resolved"):
            await client.get(f"http://{name}/")


async def test_a_lookup_that_hangs_ends() -> None:
    async def hangs(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with public_http.client("1", AddressPolicy(lookup=hangs)) as client:
        with pytest.raises(httpx2.ConnectTimeout):
            await client.get("http://crm.example.com/", timeout=0.01)


async def test_where_private_addresses_are_allowed_they_are_called() -> None:
    with OversizedServer() as server:
        async with public_http.client("1", AddressPolicy(allow_private=True)) as client:
            assert (await client.get(server.url)).status_code == 200


class OversizedServer(VendorServer):
    """Sets a cookie, and returns a body of the requested size, compressed or not."""

    def answer(self, request: ReceivedRequest) -> VendorResponse:
        kind, _, size = request.path.strip("/").partition("-")
        body = b"0" * (int(size or 0) * 1024 * 1024)
        packed = {"Content-Encoding": "gzip"} if kind == "packed" else {}
        headers = packed | {"Set-Cookie": "who=first; Path=/"}
        return VendorResponse(200, gzip.compress(body, 1) if packed else body, headers)


@pytest.fixture
def oversized_server() -> Iterator[OversizedServer]:
    with OversizedServer() as server:
        yield server


def both() -> list[httpx2.AsyncClient]:
    return [vendor_api.client("1"), public_http.client("1", AddressPolicy(allow_private=True))]


async def test_cookies_of_one_workspace_are_not_sent_by_another(oversized_server: OversizedServer) -> None:
    """The clients are shared: a cookie would identify earlier workspaces, and cookies would grow without limit."""
    for client in both():
        async with client:
            for _ in range(2):
                await client.get(f"{oversized_server.url}/small-0")
            assert list(client.cookies.jar) == []
    assert [one.headers.get("cookie") for one in oversized_server.requests] == [None] * 4


@pytest.mark.parametrize("path", ["large-17", "packed-1"])
async def test_s13_too_large_and_compressed_responses_are_refused(oversized_server: OversizedServer, path: str) -> None:
    """By both clients: a vendor, or a proxy before it, may be broken too."""
    for client in both():
        async with client:
            with pytest.raises(httpx2.DecodingError) as fault:
                await client.get(f"{oversized_server.url}/{path}")
            assert "Showup can't read" in no_response("Slack", fault.value).because
            async with client.stream("GET", f"{oversized_server.url}/{path}") as response:
                with pytest.raises(httpx2.DecodingError):
                    await response.aread()
            assert (await client.get(f"{oversized_server.url}/large-15")).status_code == 200
