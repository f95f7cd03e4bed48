"""Warns about a webhook URL that no other system can reach, which is the default for a first run."""

from urllib.parse import urlsplit


def unreachable_warning(url: str, sender: str = "Cal.com") -> str | None:
    """Returns why the sender can't reach this URL, and what to do; None if it is public, as far as it shows."""
    from showup.destinations.public_addresses import is_local

    host = urlsplit(url).hostname or ""
    if not is_local(host):
        return None
    return (
        f"{sender} can't reach {host}, which is an address of this machine or network. Set SHOWUP_URL to the public "
        "address of this server, or to that of a tunnel to it (cloudflared, ngrok or Tailscale Funnel), and use the "
        "URL with that address."
    )
