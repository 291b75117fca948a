"""A server on this machine that answers as Zenodo's API does, with ranges, and with every fault it is told to have."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Zenodo:
    """Records of a server.

    Attributes:
        records: number → name → content.
        ranges: whether parts are sent where they are asked for.
        cut: bytes after which the connection ends; None for none.
        wrong: the checksums that it names are of something else.
        answer: what is said of a record, in place of what is true.
        asked: paths that were asked for, with their `Range`.
    """

    records: dict[int, dict[str, bytes]]
    ranges: bool = True
    cut: int | None = None
    wrong: bool = False
    answer: Any = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    @property
    def downloads(self) -> list[str | None]:
        """The ranges of all downloads so far."""
        return [span for path, span in self.asked if path.endswith("/content")]

    def record(self, number: int) -> Any:
        """Return what the API says of a record."""
        if self.answer is not None:
            return self.answer
        files = [
            {
                "key": name,
                "size": len(content),
                "checksum": f"md5:{hashlib.md5(content + b'x' * self.wrong).hexdigest()}",
                "links": {"self": f"{self.url}/api/records/{number}/files/{name}/content"},
            }
            for name, content in self.records[number].items()
        ]
        return {"id": number, "files": files}


@contextmanager
def zenodo(records: dict[int, dict[str, bytes]]) -> Iterator[Zenodo]:
    """Run a server for as long as the block lasts."""
    state = Zenodo(records)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            span = self.headers.get("Range")
            state.asked.append((self.path, span))
            parts = self.path.strip("/").split("/")
            number = int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else -1
            if parts[:2] != ["api", "records"] or number not in state.records:
                self.send_error(404)
            elif len(parts) == 3:
                self._send(json.dumps(state.record(number)).encode())
            elif parts[4] in state.records[number]:
                content = state.records[number][parts[4]]
                start = int(span.removeprefix("bytes=").removesuffix("-")) if span and state.ranges else 0
                self._send(content[start:], 206 if start else 200, state.cut)
            else:
                self.send_error(404)

        def _send(self, content: bytes, status: int = 200, cut: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut])

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
