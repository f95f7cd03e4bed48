"""Warns about a webhook URL that Cal.com can't reach, which is the default for a first run."""

from urllib.parse import urlsplit


def unreachable_warning(url: str) -> str | None:
    """Returns why Cal.com can't send webhooks to this URL, and what to do; None if it is public, as far as it shows."""
    from showup.destinations.public_addresses import is_local

    host = urlsplit(url).hostname or ""
    if not is_local(host):
        return None
    return (
        f"Cal.com can't reach {host}, which is an address of this machine or network. Set SHOWUP_URL to the public "
        "address of this server, or to that of a tunnel to it (cloudflared, ngrok or Tailscale Funnel), and use the "
        "URL with that address."
    )
