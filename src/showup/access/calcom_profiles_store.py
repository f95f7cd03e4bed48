"""Store teammates' Cal.com accounts, encrypted, and the sign-ins at Cal.com that are under way."""

import hashlib
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.calcom_profile import CalcomAuthorization, CalcomCredentials, CalcomProfile
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.database.tables import calcom_authorizations, calcom_profiles

_profiles, _authorizations = calcom_profiles.c, calcom_authorizations.c
_COLUMNS = [_profiles[name] for name in ("id", "name", "is_oauth", "credentials", "expires_at", "because")]


async def save(  # one row's columns
    tx: AsyncConnection,
    seal: Seal,
    teammate_id: UUID,
    name: str,
    credentials: CalcomCredentials,
    *,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Add the account, or replace the teammate's account of this name."""
    values = {
        "credentials": seal.encrypt(msgspec.json.encode(credentials)),
        "is_oauth": credentials.access_token is not None,
        "expires_at": expires_at,
        "because": None,
    }
    query = insert(calcom_profiles).values(id=uuid4(), teammate_id=teammate_id, name=name, created_at=now, **values)
    await tx.execute(query.on_conflict_do_update(constraint="uq_calcom_profiles_teammate_id_name", set_=values))


async def list_profiles(tx: AsyncConnection, seal: Seal, teammate_id: UUID) -> list[CalcomProfile]:
    """Return a teammate's accounts, oldest first."""
    query = select(*_COLUMNS).where(_profiles.teammate_id == teammate_id)
    rows = await tx.execute(query.order_by(_profiles.created_at, _profiles.name))
    return [_profile(seal, dict(row)) for row in rows.mappings()]


async def lock(tx: AsyncConnection, seal: Seal, profile_id: UUID) -> CalcomProfile | None:
    """Return the account, which no other transaction refreshes until this one ends; None if it was removed."""
    query = select(*_COLUMNS).where(_profiles.id == profile_id).with_for_update()
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else _profile(seal, dict(row))


async def set_tokens(
    tx: AsyncConnection, seal: Seal, profile_id: UUID, credentials: CalcomCredentials, expires_at: datetime
) -> None:
    """Store the tokens of a refresh."""
    values = {"credentials": seal.encrypt(msgspec.json.encode(credentials)), "expires_at": expires_at, "because": None}
    await tx.execute(update(calcom_profiles).where(_profiles.id == profile_id).values(values))


async def mark_refused(tx: AsyncConnection, profile_id: UUID, because: str) -> None:
    """Record why Cal.com no longer accepts the account."""
    await tx.execute(update(calcom_profiles).where(_profiles.id == profile_id).values(because=because))


async def remove(tx: AsyncConnection, teammate_id: UUID, name: str) -> bool:
    """Remove an account; return False if the teammate has none of this name."""
    own = (_profiles.teammate_id == teammate_id, _profiles.name == name)
    return (await tx.execute(delete(calcom_profiles).where(*own))).rowcount > 0


async def start_authorization(
    tx: AsyncConnection,
    seal: Seal,
    state: str,
    authorization: CalcomAuthorization,
    *,
    expires_at: datetime,
    now: datetime,
) -> None:
    """Store a sign-in that starts; sign-ins that nobody finished are deleted when they expire."""
    await tx.execute(delete(calcom_authorizations).where(_authorizations.expires_at < now))
    row = {
        "digest": _digest(state),
        "teammate_id": authorization.teammate_id,
        "name": authorization.name,
        "verifier": seal.encrypt(authorization.verifier.encode()),
        "expires_at": expires_at,
    }
    await tx.execute(insert(calcom_authorizations).values(row))


async def finish_authorization(
    tx: AsyncConnection, seal: Seal, state: str, teammate_id: UUID, now: datetime
) -> CalcomAuthorization | None:
    """Take the sign-in with this state, once; None if it is unknown, expired, finished or another teammate's."""
    query = delete(calcom_authorizations).where(
        _authorizations.digest == _digest(state), _authorizations.teammate_id == teammate_id
    )
    row = (await tx.execute(query.returning(calcom_authorizations))).mappings().one_or_none()
    if row is None or row["expires_at"] <= now:
        return None
    verifier = seal.decrypt(row["verifier"]).decode()
    return CalcomAuthorization(teammate_id=row["teammate_id"], name=row["name"], verifier=verifier)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()


def _profile(seal: Seal, row: dict[str, object]) -> CalcomProfile:
    sealed = row.pop("credentials")
    assert isinstance(sealed, bytes)
    try:
        credentials = msgspec.json.decode(seal.decrypt(sealed), type=CalcomCredentials)
    except DecryptionError as error:
        return msgspec.convert({**row, "credentials": {}, "because": str(error)}, CalcomProfile)
    return CalcomProfile(credentials=credentials, **row)  # type: ignore[arg-type]  # the columns of one row
