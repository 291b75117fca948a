"""Servers of `root://`: xrootd itself where it is installed, and one that is pretended in this process."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec
from fsspec.spec import AbstractFileSystem

PRETENDED, REAL = "pretended", "xrootd"
SERVERS = (PRETENDED, REAL) if shutil.which("xrootd") else (PRETENDED,)
_NOBODY = 65534


@dataclass(frozen=True)
class Server:
    """A server, and the directory that it serves as `/store`."""

    address: str
    store: Path

    def url(self, name: str) -> str:
        return f"root://{self.address}//store/{name}"


class PretendedXrootd(AbstractFileSystem):
    """Files of a directory under `root://HOST//store`, with xrootd's own words where something is wrong.

    It stands in for fsspec-xrootd below fsspec, so that what hepad, fsspec and uproot do is done.
    """

    protocol = "root"
    root_marker = "/"
    cachable = False
    hosts: dict[str, Path] = {}  # noqa: RUF012

    def __init__(self, hostid: str, **options: object) -> None:
        super().__init__(**options)
        self.hostid = hostid

    @staticmethod
    def _get_kwargs_from_urls(url: str) -> dict[str, str]:
        return {"hostid": url.removeprefix("root://").partition("/")[0]}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("root://").partition("/")[2].lstrip("/") if "://" in path else path

    def _local(self, path: str) -> Path:
        if self.hostid not in self.hosts:
            raise OSError("File stat request failed: [FATAL] Connection error")
        found = self.hosts[self.hostid] / path.removeprefix("/store").lstrip("/")
        if not found.exists():
            raise OSError(
                f"File stat request failed: [ERROR] Server responded with an error: [3011] Unable to locate {path}; "
                "no such file or directory\n"
            )
        return found

    def info(self, path: str, **_: object) -> dict[str, object]:
        local = self._local(path)
        status, kind = local.stat(), "directory" if local.is_dir() else "file"
        return {"name": path, "size": status.st_size, "type": kind, "mtime": int(status.st_mtime)}

    def ls(self, path: str, detail: bool = True, **_: object) -> list[object]:
        names = [f"{path.rstrip('/')}/{each.name}" for each in self._local(path).iterdir()]
        return [self.info(name) if detail else name for name in names]

    def _open(self, path: str, mode: str = "rb", **_: object) -> object:
        assert mode == "rb"
        return self._local(path).open("rb")


@contextmanager
def server(kind: str) -> Iterator[Server]:
    """Start a server of `SERVERS`."""
    with tempfile.TemporaryDirectory(prefix="hepad_xrootd_") as made:
        place = Path(made)
        place.chmod(0o755)
        store = place / "data" / "store"
        store.mkdir(parents=True)
        yield from (_pretended if kind == PRETENDED else _real)(place, store)


def _pretended(place: Path, store: Path) -> Iterator[Server]:
    known = fsspec.get_filesystem_class("root")
    PretendedXrootd.hosts = {"HOST": store}
    fsspec.register_implementation("root", PretendedXrootd, clobber=True)
    try:
        yield Server("HOST", store)
    finally:
        fsspec.register_implementation("root", known, clobber=True)


def _real(place: Path, store: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (place / "admin").mkdir()
    config = place / "server.cfg"
    config.write_text(
        f"xrd.port {port}\nall.export /store\noss.localroot {place}/data\nall.adminpath {place}/admin\n"
        f"all.pidpath {place}/admin\n"
    )
    # It refuses to run as root.
    user = ["-R", "nobody"] if os.getuid() == 0 else []
    if user:
        for each in (place / "admin", store):
            os.chown(each, _NOBODY, -1)
    log = place / "admin" / "log"
    command = ["xrootd", "-c", str(config), "-l", str(log), *user]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=place) as process:
        try:
            _wait_for(port, process)
            yield Server(f"localhost:{port}", store)
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "xrootd ended"
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("xrootd does not answer")
