"""Settings of a server: where it listens, who may ask, how much at once; all of it known before torch is imported."""

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from hepad.core.errors import UserError

TOKEN: Final = "HEPAD_TOKEN"
_PACKAGES: Final = ("fastapi", "uvicorn")
_WAITING: Final = 2048


@dataclass(frozen=True)
class Limits:
    """Limits of what is asked for.

    Attributes:
        max_bytes: of the body of one request.
        max_rows: entries of one request.
        max_requests: that are read, wait or are scored at a time.
        timeout: seconds that a body may take to arrive.
    """

    max_bytes: int
    max_rows: int
    max_requests: int
    timeout: float


def require_packages() -> None:
    """Raise `UserError` where the server's libraries are not installed; nothing of them is imported."""
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise UserError(f'hepad.serve needs {" and ".join(missing)}: pip install "hepad[serve]"')


def read_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token that requests must bring; None where the environment has none.

    Raises:
        UserError: one that is empty, or that no header can carry.

    >>> read_token({"HEPAD_TOKEN": "s3cret"}), read_token({})
    ('s3cret', None)
    """
    token = environment.get(TOKEN)
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        # Its value is not for a message.
        raise UserError(
            f"{TOKEN} is empty, or has blanks or other characters that no header carries; try: "
            f"export {TOKEN}=$(openssl rand -hex 32)"
        )
    return token


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(host: str, token: str | None, without_token: bool) -> None:
    """Raise `UserError` where anyone on the network could ask."""
    if token is None and not is_loopback(host) and not without_token:
        raise UserError(
            f"host={host} lets anyone on the network ask; set the environment variable {TOKEN} to a secret that "
            "requests bring, or say without_token=true"
        )


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; whoever connects waits until the server is ready.

    Raises:
        UserError: an address that is not this machine's, or a port that is taken or forbidden.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UserError(f"host={host}: no such address ({error.strerror})") from error
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(_WAITING)
    except OSError as error:
        found.close()
        raise UserError(
            f"cannot listen on port {port} of {host}: {(error.strerror or str(error)).lower()}; choose another with "
            "port=…, or port=0 for any that is free"
        ) from error
    return found
