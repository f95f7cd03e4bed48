"""`/logos/DIGEST.png`: the logos of senders, whose files showup.toml names. Mails and pages for attendees show them."""

from fastapi import APIRouter, Response

from showup.web.http.app_state import State

router = APIRouter(prefix="/logos", include_in_schema=False)

# The address changes with the content, so every copy stays valid.
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.api_route("/{name}", methods=["GET", "HEAD"])
async def logo(name: str, state: State) -> Response:
    """Return a logo; only those of the settings exist."""
    image = state.logos.get(name)
    return Response(status_code=404) if image is None else Response(image, media_type="image/png", headers=_HEADERS)
