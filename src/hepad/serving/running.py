"""A server from its first connection to its last: Ctrl-C and SIGTERM end it, with exit code 0."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch
import uvicorn

from hepad.core.phases import PHASES
from hepad.run.loading import load_run
from hepad.run.score_beside import score_beside
from hepad.scores.forward import Forward, scoring_device
from hepad.serving.application import application
from hepad.serving.batches import batch_scorer
from hepad.serving.description import Description
from hepad.serving.settings import Limits

_LAST_ANSWERS: Final = 10


class Server(uvicorn.Server):
    """uvicorn's server, which would end the process by the signal that it was ended with."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the server, and no more; a second one does not wait for what is being scored."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(
    run_dir: Path,
    listening: socket.socket,
    limits: Limits,
    token: str | None = None,
    p_values: bool | None = None,
    device: str = "auto",
    on_start: Callable[[uvicorn.Server], object] = lambda server: None,
) -> None:
    """Serve a run until a signal ends it.

    As many threads as cores score; each takes small requests that wait together (`hepad.serving.joining`).

    Args:
        run_dir: the run.
        listening: a socket that listens.
        limits: of requests.
        token: that requests must bring; None for none.
        p_values: as `hepad.run.score_beside.score_beside` takes it.
        device: where to compute.
        on_start: given the server before it runs; whoever has no signal to send sets its `should_exit`.

    Raises:
        UserError: no such run or device.
    """
    run, where = load_run(run_dir), scoring_device(device)
    beside = score_beside(run, p_values, device)
    description = Description.of(run, beside, limits)
    # One where threads would disturb each other: a model of a user's own, half precision, a GPU.
    n_threads = Forward(run.model, where).n_threads if where.type == "cpu" else 1
    before = torch.get_num_threads()
    if n_threads > 1:
        torch.set_num_threads(1)
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="scoring")
    try:
        app = application(description, batch_scorer(run, beside, device), pool, token, n_threads)
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_LAST_ANSWERS,
        )
        address = address_of(listening)
        print(f"serving {description.name} at {address}, see {address}/docs; Ctrl-C ends it", flush=True)
        PHASES.end()
        server = Server(config)
        on_start(server)
        server.run(sockets=[listening])
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)
    print("stopped")


def address_of(listening: socket.socket) -> str:
    """Return the address of a socket, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
