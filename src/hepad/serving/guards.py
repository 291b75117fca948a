"""Guards in front of the routes: the token of every request, the size and the time of a body, requests at a time."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from hepad.serving.batches import Refused
from hepad.serving.settings import Limits

OPEN: Final = ("/health",)
"""Routes that ask for no token: they tell nothing of the run."""


class TokenGuard:
    """Asks every request for the token, `Authorization: Bearer TOKEN`, or as the password of any name: for browsers.

    Args:
        app: what is behind it.
        token: the token.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 before anything of a body is read, or let the request through."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            # In a time that does not tell how much of it was right.
            if not hmac.compare_digest(_token_in(given), self.token):
                refusal = JSONResponse(
                    {"detail": "a token is needed: Authorization: Bearer TOKEN"},
                    401,
                    {"WWW-Authenticate": 'Bearer, Basic realm="hepad"', "Connection": "close"},
                )
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _token_in(header: bytes) -> bytes:
    scheme, _, value = header.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return value.strip()
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(value, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


class Places:
    """Places for requests that are read, wait, or are scored; asked from one event loop.

    Args:
        number: how many there are.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.taken = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place; raise `Refused` where none is free."""
        if self.taken >= self.number:
            raise Refused(503, f"{self.number} requests at a time are being scored; ask again in a moment")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request, of which no more is read or kept than is allowed.

    Raises:
        Refused: it is larger, by its header or as it arrives, compressed, or too slow.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "a compressed body; send it as it is")
    too_large = Refused(413, f"a body of more than {limits.max_bytes:,} bytes; send fewer entries at a time")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and (len(declared) > 18 or int(declared) > limits.max_bytes):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.timeout):
            async for part in request.stream():
                if len(body) + len(part) > limits.max_bytes:
                    raise too_large
                body += part
    except TimeoutError as error:
        raise Refused(408, f"the body did not arrive within {limits.timeout:g} seconds") from error
    except ClientDisconnect as error:
        raise Refused(400, "the client has gone") from error
    return bytes(body)
