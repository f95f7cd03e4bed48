"""The file of a backup: a zip with a manifest, the database's dump and, of an embedded database, its key of secrets.

With a passphrase, dump and key are encrypted in the format of age (https://age-encryption.org/v1), to a key pair made
for this file. The passphrase encrypts its private key. So a dump of any size is encrypted while it is written, and the
program `age` can decrypt it too.
"""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import msgspec
import pyrage
from msgspec import Struct

_MANIFEST: Final = "manifest.json"
_DUMP: Final = "database.dump"
_KEY: Final = "secret.key"
_IDENTITY: Final = "identity.age"
_FORMAT: Final = 1


class BackupUnusable(Exception):
    """A file can't be restored; the text says why, and what to do."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup is. `revision`: of the tables; `server`: PostgreSQL's version number, such as 180004."""

    format: int = _FORMAT
    showup: str
    created_at: datetime
    revision: str
    server: int
    is_encrypted: bool


class ArchiveWriter:
    """Writes one backup; `dump` first, then optionally `key`."""

    def __init__(self, archive: zipfile.ZipFile, passphrase: str | None) -> None:
        self._archive = archive
        self._recipient: pyrage.x25519.Recipient | None = None
        if passphrase is not None:
            identity = pyrage.x25519.Identity.generate()
            self._recipient = identity.to_public()
            archive.writestr(_IDENTITY, pyrage.passphrase.encrypt(str(identity).encode(), passphrase))

    def write_dump(self, source: IO[bytes]) -> None:
        """Write what `source` yields until its end."""
        with self._archive.open(self._name(_DUMP), "w", force_zip64=True) as entry:
            if self._recipient is None:
                _copy(source, entry)
            else:
                pyrage.encrypt_io(source, entry, [self._recipient])

    def write_key(self, key: str) -> None:
        """Write the key of the secrets in the database."""
        content = key.encode()
        self._archive.writestr(
            self._name(_KEY), content if self._recipient is None else pyrage.encrypt(content, [self._recipient])
        )

    def _name(self, name: str) -> str:
        return name if self._recipient is None else f"{name}.age"


@contextmanager
def create_archive(path: Path, manifest: Manifest, passphrase: str | None) -> Iterator[ArchiveWriter]:
    """Open a new backup for writing. The file appears under its name when it is complete, or else not at all.

    It is readable by its owner only. Raises OSError.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            # A dump is compressed already.
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
                yield ArchiveWriter(archive, passphrase)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


class Archive:
    """A backup that is open for reading."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, passphrase: str | None) -> None:
        self.manifest = manifest
        self._archive = archive
        self._identity = _identity(archive, passphrase) if manifest.is_encrypted else None

    def read_dump(self, target: IO[bytes]) -> None:
        """Write the dump into `target`. Raises BackupUnusable if the file is damaged."""
        with _damage_named(), self._archive.open(self._name(_DUMP)) as entry:
            if self._identity is None:
                _copy(entry, target)
            else:
                pyrage.decrypt_io(entry, target, [self._identity])

    def read_key(self) -> str | None:
        """Return the key of the secrets in the database; None if the backup has none."""
        if self._name(_KEY) not in self._archive.namelist():
            return None
        with _damage_named():
            content = self._archive.read(self._name(_KEY))
            return (content if self._identity is None else pyrage.decrypt(content, [self._identity])).decode()

    def _name(self, name: str) -> str:
        return name if self._identity is None else f"{name}.age"


@contextmanager
def open_archive(path: Path, passphrase: str | None) -> Iterator[Archive]:
    """Open a backup for reading. Raises BackupUnusable, also for a wrong passphrase."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BackupUnusable(f"There is no file {path}.") from None
    except (OSError, zipfile.BadZipFile) as fault:
        raise BackupUnusable(f"{path} is not a backup, or is damaged ({fault}). Use another copy of it.") from None
    with archive:
        yield Archive(archive, _manifest(path, archive), passphrase)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        manifest = msgspec.json.decode(archive.read(_MANIFEST), type=Manifest)
    except (KeyError, msgspec.DecodeError):
        raise BackupUnusable(f"{path} is not a backup of Showup.") from None
    if manifest.format != _FORMAT:
        raise BackupUnusable(
            f"A newer version of Showup ({manifest.showup}) wrote {path}. Restore it with that version."
        )
    return manifest


def _identity(archive: zipfile.ZipFile, passphrase: str | None) -> "pyrage.x25519.Identity":
    if passphrase is None:
        raise BackupUnusable("This backup is encrypted. Set SHOWUP_BACKUP_PASSPHRASE to its passphrase.")
    try:
        text = pyrage.passphrase.decrypt(archive.read(_IDENTITY), passphrase).decode()
    except pyrage.DecryptError:
        raise BackupUnusable(
            "The passphrase is wrong. Set SHOWUP_BACKUP_PASSPHRASE to the one that this backup was made with."
        ) from None
    return pyrage.x25519.Identity.from_str(text)


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, pyrage.DecryptError, EOFError, OSError) as fault:
        # A damaged stream is pyrage's OSError without a number; those with one are the system's.
        if isinstance(fault, OSError) and fault.errno is not None:
            raise
        raise BackupUnusable(f"The backup is damaged ({fault}). Use another copy of it.") from None


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while block := source.read(1024 * 1024):
        target.write(block)


def _sync_folder(folder: Path) -> None:
    """Make a rename last a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
