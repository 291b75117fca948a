"""What a server is made of, without a run: a description, the body of a request as Arrow, a client in this process."""

import asyncio

import httpx

from hepad.serving.description import Description
from hepad.serving.settings import Limits

LIMITS = Limits(max_bytes=20_000_000, max_rows=1000, max_requests=4, timeout=5.0)
NAMES, UNITS = ("pt", "eta", "mass"), ("GeV", "", "GeV")


def described(
    shape: tuple[int, ...] = (3,),
    named: bool = True,
    context: tuple[str, ...] = (),
    thresholds: dict[str, float] | None = None,
    max_rows: int = 1000,
    **limits: float,
) -> Description:
    """Return the description of a run whose last axis has three named features, or none."""
    settings = {**vars(LIMITS), "max_rows": max_rows, **limits}
    return Description(
        name="my_run",
        model="DenseAutoencoder",
        structure={1: "vector", 2: "set" if named else "image", 3: "image"}[len(shape)],
        shape=shape,
        features=NAMES if named else None,
        units=UNITS if named else None,
        context=context,
        thresholds=thresholds or {},
        p_values=False,
        checkpoint_sha256="0" * 64,
        limits=Limits(**settings),
    )


def arrow_stream(table, **options) -> bytes:
    """Return a pyarrow table as the bytes of an IPC stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


class Client:
    """Asks an application within this process, one request after the other.

    Args:
        app: the application.
    """

    def __init__(self, app) -> None:
        self.app = app

    def get(self, path: str, **given) -> httpx.Response:
        """Return the answer to a GET."""
        return self._ask("GET", path, given)

    def post(self, path: str, **given) -> httpx.Response:
        """Return the answer to a POST."""
        return self._ask("POST", path, given)

    def _ask(self, method: str, path: str, given: dict) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await client.request(method, path, **given)

        return asyncio.run(ask())
