"""Serving: jets a second that `hepad.serve` scores for several clients, and how long each of them waits."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from scripts.bench.made_up import jets, trained_run
from scripts.bench.rounds import Row, row_of
from scripts.bench.settings import Settings

from hepad.core.schema import JET_FEATURES
from hepad.serving import arrow_bodies, json_bodies

PERCENTILES = (50, 95, 99)
ROOT = Path(__file__).parents[2]


def serving(settings: Settings) -> Iterator[Row]:
    """Yield rates of entries, and percentiles of the time that one request takes, in JSON and in Arrow."""
    run_dir = trained_run(settings.work)
    with server(run_dir) as address:
        for n in settings.served_batches:
            for form, (media, body) in bodies(n).items():
                path = settings.work / f"request_{form}"
                path.write_bytes(body)
                n_requests = max(2, min(settings.n_served // n, 2000) // settings.clients)
                rounds = [
                    load(address, media, path, n_requests, settings.clients) for _ in range(max(1, settings.rounds))
                ]
                case = f"{n:,} jets in a request, {settings.clients} clients"
                rates = [n * n_requests * settings.clients / whole for whole, _ in rounds]
                yield row_of(case, form, "entries/s", rates)
                for percent in PERCENTILES:
                    times = [float(1e3 * np.percentile(seconds, percent)) for _, seconds in rounds]
                    yield row_of(case, f"{form}, {percent}% of requests within", "ms", times)


def bodies(n: int) -> dict[str, tuple[str, bytes]]:
    """Return the requests for `n` jets: form → media type and body."""
    import pyarrow as pa

    entries = jets(n)
    table = pa.table({name: entries[:, i] for i, name in enumerate(JET_FEATURES)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    # Decimals as a client writes the doubles that it has.
    plain = json.dumps({"entries": entries.astype(float).tolist()}).encode()
    return {"JSON": (json_bodies.MEDIA, plain), "Arrow": (arrow_bodies.MEDIA, sink.getvalue().to_pybytes())}


def load(address: str, media: str, body: Path, n: int, clients: int) -> tuple[float, list[float]]:
    """Let several processes ask `n` times each, all at once; return the whole time, and that of each request."""
    words = [sys.executable, "-m", "scripts.bench.asking", address, media, str(body), str(n)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    asking = [subprocess.Popen(words, cwd=ROOT, text=True, **pipes) for _ in range(clients)]
    for client in asking:
        assert client.stdout is not None
        client.stdout.readline()
    for client in asking:
        assert client.stdin is not None
        client.stdin.write("\n")
        client.stdin.flush()
    found = [json.loads(client.communicate()[0]) for client in asking]
    whole = max(each["ended"] for each in found) - min(each["began"] for each in found)
    return whole, [seconds for each in found for seconds in each["seconds"]]


@contextmanager
def server(run_dir: Path) -> Iterator[str]:
    """Start the command in a process of its own, yield its address, and end it by a signal."""
    words: Sequence[str] = ["-m", "hepad.serve", f"run={run_dir}", "port=0", "max_rows=10000"]
    running = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    said = running.stdout.readline()
    if " at " not in said:
        raise RuntimeError(f"the server did not begin: {said or 'nothing said'}")
    try:
        yield said.split(" at ")[1].split(",")[0]
    finally:
        running.send_signal(signal.SIGTERM)
        if code := running.wait():
            raise RuntimeError(f"the server ended with exit code {code}")
