"""Every block of docs/to_an_analysis.md, run in its order: the same scores in files, in coffea and from a server."""

import os
import re
import shlex
import shutil
import signal
import socket
import threading
import time
import urllib.request
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad import serve
from tests.runs.conftest import call

PAGE = (Path(__file__).parents[2] / "docs/to_an_analysis.md").read_text(encoding="utf-8")
NANO = Path(__file__).parents[1] / "data" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
ALONE = [f"data.samples.{name}=null" for name in ("jet_ht", "soft_qcd", "ttbar", "radion", "wprime")]
QUICK = {"train": ["data.limit=5200", "trainer.max_epochs=1", "evaluation.plots=false", "logger=none", *ALONE]}

pytestmark = pytest.mark.filterwarnings("ignore:Branch Photon_:RuntimeWarning", "ignore:Missing cross:RuntimeWarning")


def blocks() -> list[str]:
    """The indented blocks of the page, in their order."""
    found = re.findall(r"(?:^    .*\n(?:\n+(?=    ))?)+", PAGE, flags=re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in found]


def run_commands(block: str, directory: Path) -> None:
    for line in block.splitlines():
        _, _, module, *words = shlex.split(line)
        command = module.removeprefix("hepad.")
        done = call(import_module(module).main, directory, *words, *QUICK.get(command, []))
        assert done.code == 0, done.err


def ask_a_server(asking: list[str], names: dict, port: int) -> None:
    """Run blocks that ask a server as soon as it is there, and end it by Ctrl-C."""
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            return
        for block in asking:
            exec(block.replace("127.0.0.1:8000", f"127.0.0.1:{port}"), names)
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def test_all_of_the_page(tmp_path, monkeypatch, capsys):
    install, training, scoring, cut, coffea, lazily, serving, json_client, arrow_client = blocks()
    assert install.startswith("pip install")
    shutil.copy(NANO, tmp_path / "nano.root")
    monkeypatch.chdir(tmp_path)
    run_commands(training, tmp_path)
    run_commands(scoring, tmp_path)
    with h5py.File("scores.h5") as file:
        score, accepted = file["score"][:], file["accepted_fpr_1e-2"][:]
    names: dict = {}
    exec(cut, names)
    assert names["weight"].sum() == pytest.approx(832 * 2300)
    assert names["n"] == pytest.approx(names["weight"][accepted].sum())
    assert 0 < names["error"] < names["weight"].sum()

    exec(coffea, names)
    found = names["found"]
    assert found["events"] == len(score)
    share = names["n"] / names["weight"].sum()
    assert found["ht"].sum(flow=True).value == pytest.approx(share * found["sum_of_weights"])
    exec(lazily, names)
    np.testing.assert_array_equal(names["score"].compute(), score)
    assert len(names["lazily_accepted"]) == accepted.sum()

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = threading.Thread(target=ask_a_server, args=([json_client, arrow_client], names, port))
    asked.start()
    _, _, module, *words = shlex.split(serving)
    assert module == "hepad.serve"
    done = call(serve.main, tmp_path, *words, f"port={port}")
    asked.join()
    assert (done.code, done.err) == (0, "")
    np.testing.assert_array_equal(np.array(names["served"]["score"], dtype=np.float32), score)
    assert names["served"]["accepted_fpr_1e-2"] == accepted.tolist()
    np.testing.assert_array_equal(names["scores"], score)
