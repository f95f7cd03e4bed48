"""RU3: a web server that stops first lets load balancers turn to another one, and refuses no webhook meanwhile."""

import signal

from tests.showup_process import ShowupProcess

_KEY = "a key of thirty-two characters or more"


def test_a_stopping_server_says_so_and_still_stores_webhooks(database_url: str) -> None:
    showup = ShowupProcess("--no-work", DATABASE_URL=database_url, SHOWUP_SECRET_KEY=_KEY, SHOWUP_DRAIN_SECONDS="1.5")
    kept_alive = showup.post()
    assert (kept_alive.status_code, "Connection" in kept_alive.headers) == (200, False)
    showup.process.send_signal(signal.SIGTERM)
    while (probe := showup.client.get("/readyz")).status_code == 200:
        pass
    assert (probe.status_code, probe.json()) == (503, {"status": "down"})
    health = showup.client.get("/healthz")
    assert (health.status_code, health.headers["Connection"]) == (200, "close")
    last = showup.post()
    # The connection ends politely: the next request of a proxy takes another one.
    assert (last.status_code, last.headers["Connection"]) == (200, "close")
    assert showup.stop(signal.SIGTERM) == 0
