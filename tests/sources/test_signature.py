"""IN2: a signature is the lower-case hex HMAC-SHA256 of exactly these bytes, under one of the secrets."""

import hashlib
import hmac

import pytest

from showup.sources.calcom.signature import is_signed, sign

BODY = '{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"abc123","title":"Gespräch"}}'.encode()
SECRET = b"the new secret"
OLD = b"the old secret"
RIGHT = hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()


def test_calcom_signs_the_raw_bytes() -> None:
    assert sign(SECRET, BODY) == RIGHT
    assert is_signed(BODY, RIGHT.encode(), [SECRET])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        b"",
        b"no-secret-provided",
        RIGHT.upper().encode(),
        b"sha256=" + RIGHT.encode(),
        RIGHT.encode() + b"\n",
        b" " + RIGHT.encode(),
        RIGHT[:-1].encode(),
        RIGHT.encode() + b"0",
        b"0" * 64,
        "ä".encode() * 32,
        b"\xff" * 64,
        sign(b"another secret", BODY).encode(),
        sign(SECRET, BODY + b" ").encode(),
        sign(SECRET, BODY.replace(b'":"', b'": "')).encode(),
    ],
)
def test_any_other_signature_is_rejected(signature: bytes | None) -> None:
    assert not is_signed(BODY, signature, [SECRET])


def test_another_body_is_rejected() -> None:
    assert not is_signed(BODY.replace(b"abc123", b"abc124"), RIGHT.encode(), [SECRET])


@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_both_secrets_are_accepted_during_a_rotation(secret: bytes) -> None:
    assert is_signed(BODY, sign(secret, BODY).encode(), [SECRET, OLD])


def test_the_old_secret_is_rejected_after_the_rotation() -> None:
    assert not is_signed(BODY, sign(OLD, BODY).encode(), [SECRET])


@pytest.mark.parametrize("secrets", [[], [b""], [b"", SECRET]])
def test_an_empty_secret_is_rejected(secrets: list[bytes]) -> None:
    assert not is_signed(BODY, sign(b"", BODY).encode(), secrets)


def test_no_secret_rejects_everything() -> None:
    assert not is_signed(BODY, RIGHT.encode(), [])
