"""Address, token and socket of a server: refused in one line before anything else is done."""

import socket

import pytest

from hepad.core.errors import UserError
from hepad.serving.settings import check_address, listening_socket, read_token


def test_another_address_than_this_machine_s_needs_a_token():
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.7"):
        check_address(host, None, without_token=False)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(UserError, match="HEPAD_TOKEN"):
            check_address(host, None, without_token=False)
        check_address(host, "s3cret", without_token=False)
        check_address(host, None, without_token=True)


@pytest.mark.parametrize("token", ["", "two words", "line\n", "tokén"])
def test_a_token_that_no_header_carries_is_refused_and_not_shown(token):
    with pytest.raises(UserError, match="HEPAD_TOKEN") as refused:
        read_token({"HEPAD_TOKEN": token})
    assert not token or token not in str(refused.value)


def test_a_port_that_is_taken_is_told_in_one_line():
    with listening_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} of 127.0.0.1: address already in use; choose another"):
            listening_socket("127.0.0.1", port)
        # Whoever connects before the server is ready waits.
        socket.create_connection(("127.0.0.1", port)).close()
    listening_socket("127.0.0.1", port).close()


def test_an_address_of_another_machine_is_told_in_one_line():
    with pytest.raises(UserError, match=r"192\.0\.2\.1"):
        listening_socket("192.0.2.1", 0)
    with pytest.raises(UserError, match=r"no\.such\.host\.invalid"):
        listening_socket("no.such.host.invalid", 0)
