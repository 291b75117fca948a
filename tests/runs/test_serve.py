"""`python -m hepad.serve`: a real server on a free port, asked while it scores, ended by a signal; what is refused."""

import json
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest

import hepad
from hepad import score, serve, threshold, train
from hepad.run.score_beside import score_beside
from hepad.serving import settings
from hepad.serving.application import application
from hepad.serving.arrow_bodies import MEDIA as ARROW
from hepad.serving.batches import batch_scorer
from hepad.serving.description import Description
from tests.conftest import write_jet_file
from tests.runs.conftest import call
from tests.served import LIMITS, Client, arrow_stream


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A short run on jets with a threshold."""
    directory = tmp_path_factory.mktemp("serve")
    write_jet_file(directory / "background.h5", n_events=2000, seed=1)
    words = ["data.bundled=false", "data.background=background", "data.samples.background=background.h5"]
    quick = ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", "hydra.run.dir=run"]
    done = call(train.main, directory, *words, *quick)
    assert done.code == 0, done.err
    done = call(threshold.main, directory, "run=run", "fpr=0.1", "name=tenth")
    assert done.code == 0, done.err
    return directory / "run"


@pytest.fixture(scope="module")
def asked(run) -> Client:
    """A client of the run's application, without a server."""
    loaded = hepad.load_run(run)
    beside = score_beside(loaded, None)
    scorer = batch_scorer(loaded, beside, "cpu")
    return Client(application(Description.of(loaded, beside, LIMITS), scorer, ThreadPoolExecutor(1)))


def jets(run: Path) -> np.ndarray:
    with h5py.File(run.parent / "background.h5") as file:
        return file["jet_event_data"][:100].reshape(-1, 17)


def test_answers_are_the_scores_bits_and_p_values_of_hepad_score(run, asked, tmp_path):
    done = call(score.main, tmp_path, f"run={run}", f"input={run.parent / 'background.h5'}", "output=scores.h5")
    assert done.code == 0, done.err
    entries = jets(run)
    real = entries[:, 0] > 0
    found = asked.post("/score", json={"entries": entries.astype(float).tolist()}).json()
    with h5py.File(tmp_path / "scores.h5") as file:
        for name in ("score", "p_value", "accepted_tenth"):
            kept = file[name][: real.sum()]
            np.testing.assert_array_equal(np.array(found[name])[real].astype(kept.dtype), kept)
    assert {found["score"][i] for i in np.flatnonzero(~real)} == {None}
    names = list(hepad.load_run(run).features)[::-1]
    table = pa.table({name: entries[:, 16 - i] for i, name in enumerate(names)})
    answer = asked.post("/score", content=arrow_stream(table), headers={"Content-Type": ARROW})
    np.testing.assert_array_equal(
        pa.ipc.open_stream(answer.content).read_all()["score"], hepad.load_run(run).score(entries)
    )


def test_mistakes_are_told_as_run_score_tells_them(run, asked):
    entries = jets(run)[:3].astype(float).tolist()
    names = list(hepad.load_run(run).features)
    broken = [entries[0], [float("nan"), *entries[1][1:]]]
    for body, told in (
        (json.dumps({"entries": broken}), "1 of 2 entries hold NaN or inf"),
        (json.dumps({"entries": [row[:5] for row in entries]}), "entries of shape (5,); this run scores (17,)"),
        (
            json.dumps({"entries": entries, "features": ["energy", *names[1:]]}),
            "no column pt; this run scores: pt, eta",
        ),
        (json.dumps({"entries": entries, "features": names[1:]}), "16 names for entries of shape (17,)"),
        (json.dumps({"entries": entries, "mask": [True]}), "a mask of shape (1,)"),
    ):
        answer = asked.post("/score", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422
        assert told in answer.json()["detail"]
    other = pa.table({name: [1.0] for name in names if name != "mass"})
    answer = asked.post("/score", content=arrow_stream(other), headers={"Content-Type": ARROW})
    assert "no column mass; this run scores: pt, eta" in answer.json()["detail"]


class Visitor(threading.Thread):
    """Asks a server some things as soon as it is there, then ends it by a signal.

    Args:
        port: of the server.
        run: what is scored.
    """

    def __init__(self, port: int, entries: np.ndarray) -> None:
        super().__init__()
        self.address = f"http://127.0.0.1:{port}"
        self.entries = entries
        self.answers: dict[str, tuple[int, dict]] = {}

    def run(self) -> None:
        try:
            self._wait()
            body = json.dumps({"entries": self.entries.astype(float).tolist()}).encode()
            self.answers["without"] = self.ask("/score", body)
            self.answers["score"] = self.ask("/score", body, token="s3cret")
            # Announced, and never sent.
            self.answers["large"] = self.ask("/score", b"[", token="s3cret", length="80000000000")
        finally:
            # Without a server nobody would catch it.
            if "health" in self.answers:
                os.kill(os.getpid(), signal.SIGTERM)

    def _wait(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.answers["health"] = self.ask("/health")
                return
            except OSError:
                time.sleep(0.02)

    def ask(self, path: str, body: bytes | None = None, token: str = "", length: str = "") -> tuple[int, dict]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        headers |= {"Content-Length": length} if length else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.address + path, body, headers), timeout=10) as got:
                return got.status, json.loads(got.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


def test_a_server_answers_until_a_signal_ends_it(run, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = call(serve.main, run.parent, f"run={run}", f"port={port}")
        assert (refused.code, refused.out) == (2, "")
        assert f"port {port} of 127.0.0.1: address already in use" in refused.err
    monkeypatch.setenv("HEPAD_TOKEN", "s3cret")
    before = signal.getsignal(signal.SIGTERM)
    visitor = Visitor(port, jets(run))
    visitor.start()
    done = call(serve.main, run.parent, f"run={run}", f"port={port}")
    visitor.join()
    assert (done.code, done.err) == (0, "")
    assert f"serving run at http://127.0.0.1:{port}" in done.out
    assert done.out.endswith("stopped\n")
    assert signal.getsignal(signal.SIGTERM) is before
    assert visitor.answers["health"] == (200, {"status": "ok"})
    assert visitor.answers["without"][0] == 401
    assert visitor.answers["large"] == (
        413,
        {"detail": "a body of more than 16,000,000 bytes; send fewer entries at a time"},
    )
    status, found = visitor.answers["score"]
    expected = hepad.load_run(run).score(jets(run))
    assert status == 200
    np.testing.assert_array_equal(np.array(found["score"], dtype=np.float32), expected)


def test_what_is_refused_before_torch_is_imported(run, monkeypatch):
    monkeypatch.delenv("HEPAD_TOKEN", raising=False)
    for words, told in (
        ([], "serve needs run=DIR"),
        (["run=nothing"], "nothing is not a run"),
        ([f"run={run}", "host=0.0.0.0"], "HEPAD_TOKEN"),
        ([f"run={run}", "port=70000"], "port=70000"),
        ([f"run={run}", "max_size=much"], "max_size=much"),
        ([f"run={run}", "host=192.0.2.1"], "192.0.2.1"),
    ):
        done = call(serve.main, run.parent, *words)
        assert (done.code, done.out) == (2, ""), words
        assert told in done.err
        assert done.err.count("\n") == 1
    monkeypatch.setattr(settings, "find_spec", lambda name: None if name == "uvicorn" else util.find_spec(name))
    done = call(serve.main, run.parent, f"run={run}")
    assert (done.code, done.err) == (2, 'error: hepad.serve needs uvicorn: pip install "hepad[serve]"\n')
