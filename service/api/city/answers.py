"""Serving bytes that never change: a strong ETag of their SHA-256, 304 for who has them."""

from fastapi import Request, Response

from service.releases.artifact import sha256

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"
JSON = "application/json"


def served(
    request: Request, body: bytes, *, media_type: str = JSON, immutable: bool = True
) -> Response:
    """The body, or 304 without it when the client names its ETag."""
    etag = f'"sha256-{sha256(body)}"'
    headers = {"ETag": etag, "Cache-Control": FOREVER if immutable else ASK_AGAIN}
    if _knows(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _knows(condition: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in condition.split(",")}
    return etag in tags or "*" in tags
