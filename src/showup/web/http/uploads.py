"""Forms with one file: read as they arrive, with limits; the file is on the disk while the request runs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from msgspec import Struct
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from showup.web.http.body_limits import describe_size
from showup.web.http.forms import MAX_FORM_BYTES, read_form
from showup.web.http.problems import Refusal

_MAX_FIELDS: Final = 100
_MAX_FILE_NAME: Final = 200
_MEDIA_TYPE: Final = "multipart/form-data"
# A browser reads no answer before it has sent all, so what is too large is read and dropped, up to this size.
_MAX_DROPPED: Final = 64 * 1024 * 1024


class Upload(Struct, frozen=True, kw_only=True):
    """A form with its file. `fields` has the texts by name, in the form's order. `path`: None without a file.

    `file_name` is what the sender calls it, without folders, and without what can't be stored.
    """

    fields: Mapping[str, Sequence[str]]
    file_name: str
    path: Path | None

    @property
    def form(self) -> dict[str, str]:
        """The text fields; of fields with one name, the last."""
        return {name: values[-1] for name, values in self.fields.items()}


@asynccontextmanager
async def received_upload(request: Request, field: str, *, max_bytes: int) -> AsyncIterator[Upload]:
    """Read the form, whose file is in `field`. Refuses another body, and a file of more than `max_bytes`."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        # A form without a file may come in the usual way.
        plain = await read_form(request)
        yield Upload(fields={name: [value] for name, value in plain.items()}, file_name="", path=None)
        return
    form = await _parse(request, max_bytes)
    try:
        fields: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields.setdefault(name, []).append(_storable(value).strip())
        file = form.get(field)
        if not isinstance(file, UploadFile) or not file.filename:
            yield Upload(fields=fields, file_name="", path=None)
            return
        if (file.size or 0) > max_bytes:
            raise _too_large(max_bytes)
        with TemporaryDirectory(prefix="showup-upload-") as folder:
            path = Path(folder) / "upload"
            await run_in_threadpool(_copy, file, path)
            yield Upload(fields=fields, file_name=_plain_name(file.filename), path=path)
    finally:
        await form.close()


async def _parse(request: Request, max_bytes: int) -> FormData:
    total = max_bytes + MAX_FORM_BYTES

    async def limited() -> AsyncIterator[bytes]:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > _MAX_DROPPED:
                break
            if size <= total:
                yield part
        if size > total:
            raise _too_large(max_bytes)

    parser = MultiPartParser(
        request.headers,
        limited(),  # type: ignore[arg-type]  # a generator, of which it reads as from any iterator
        max_files=1,
        max_fields=_MAX_FIELDS,
        max_part_size=MAX_FORM_BYTES,
    )
    try:
        return await parser.parse()
    except ClientDisconnect:
        raise Refusal("too-slow") from None
    except (MultiPartException, UnicodeError):
        raise Refusal("invalid", "The form can't be read, or it has too many fields. Load the page again.") from None


def _copy(file: UploadFile, path: Path) -> None:
    file.file.seek(0)
    with path.open("wb") as target:
        copyfileobj(file.file, target)


def _storable(text: str) -> str:
    """Return the text without what PostgreSQL can't store: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _plain_name(name: str) -> str:
    """Return the last part of a path, on one line, as text that can be stored."""
    last = _storable(name).replace("\\", "/").rpartition("/")[2]
    readable = "".join(one if one.isprintable() else " " for one in last)
    return " ".join(readable.split())[:_MAX_FILE_NAME]


def _too_large(max_bytes: int) -> Refusal:
    return Refusal("body-too-large", f"A file has at most {describe_size(max_bytes)}.")
