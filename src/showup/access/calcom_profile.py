"""A teammate's own account at Cal.com: their calendar and their booking links (AS1)."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class CalcomCredentials(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What Cal.com accepts, encrypted at rest: an API key, or the tokens of OAuth; and the name in booking links."""

    calcom_api_key: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    calcom_username: str | None = None

    @property
    def token(self) -> str:
        """Return the bearer token of calls."""
        return self.calcom_api_key or self.access_token or ""


class CalcomProfile(Struct, frozen=True, kw_only=True):
    """One account. `expires_at`: the end of the access token; `because`: why Cal.com no longer accepts it."""

    id: UUID
    name: str
    is_oauth: bool
    credentials: CalcomCredentials
    expires_at: datetime | None
    because: str | None


class CalcomAuthorization(Struct, frozen=True, kw_only=True):
    """A sign-in at Cal.com that came back: whose it is, the name of the profile, and the verifier of PKCE."""

    teammate_id: UUID
    name: str
    verifier: str
