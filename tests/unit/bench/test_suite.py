"""Every part of the benchmarks at a tiny size: it runs, and what it writes is what the page is made of."""

import json
import math
import queue
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from scripts.bench import commands, growth, others, serving, streaming, suite
from scripts.bench.rounds import LeftOut, row_of
from scripts.bench.settings import MODELS, NOT_TIMED, Settings, tiny
from scripts.bench.suite import ON_A_GPU, ON_DEMAND, PARTS

from hepad.config import config_dir
from hepad.serving.running import address_of, serve
from hepad.serving.settings import Limits, listening_socket

COMMANDS = ("start_up", "default_run")
SLOW = ("simulation", "cluster")


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    # Processes that import everything again take seconds each: here the work is done in this one.
    monkeypatch.setattr(others, "installed", lambda name: name not in ("keras", "pyod"))
    monkeypatch.setattr(serving, "server", server_in_a_thread)
    monkeypatch.setattr(streaming, "_peak", streaming.peak_of_run)
    monkeypatch.setattr(growth, "_in_a_process", lambda words: growth.measure(words[0], Path(words[1]), Path(words[2])))


@contextmanager
def server_in_a_thread(run_dir: Path):
    with listening_socket("127.0.0.1", 0) as listening:
        started: queue.Queue = queue.Queue()
        words = (run_dir, listening, Limits(10**7, 1000, 16, 5.0))
        thread = threading.Thread(target=serve, args=words, kwargs={"on_start": started.put})
        thread.start()
        running = started.get(timeout=20)
        yield address_of(listening)
        running.should_exit = True
        thread.join()


def run(tmp_path: Path, *parts: str) -> tuple[int, dict]:
    output = tmp_path / "bench.json"
    code = suite.main(["--tiny", "--only", ",".join(parts), "--output", str(output)])
    return code, json.loads(output.read_text())


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(part, marks=() if part in ("training", "scoring") else pytest.mark.thorough)
        for part in PARTS
        if part not in (*COMMANDS, *SLOW)
    ],
)
def test_a_part_runs_and_its_rows_are_whole(tmp_path, capsys, part):
    code, found = run(tmp_path, part)
    assert code == 0, found["parts"][part]["error"]
    assert found["schema"] == 1
    assert found["device"] == "cpu"
    assert found["versions"]["torch"]
    assert list(found["parts"]) == [part]
    rows = found["parts"][part]["rows"]
    assert rows
    for row in rows:
        assert set(row) == {"case", "way", "unit", "value", "low", "high", "rounds", "ratios"}
        assert row["low"] <= row["value"] <= row["high"]
        assert row["value"] > 0 or row["unit"] == ""
        assert all(math.isfinite(ratio) for ratio in row["ratios"].values())
    assert rows[0]["way"] in capsys.readouterr().out
    if part == "training":
        compared = {row["case"].split(",")[0] for row in rows if "bare loop" in row["ratios"]}
        assert compared == set(tiny(tmp_path).models)
        ratios = {row["way"]: row["ratios"] for row in rows if row["case"].startswith("dense_ae")}
        assert ratios["hepad"]["bare loop"] > ratios["hepad, with validation and checkpoints"]["bare loop"]


def test_every_model_is_trained():
    assert {*MODELS, *NOT_TIMED} == {path.stem for path in (config_dir() / "model").glob("*.yaml")}


def test_a_part_that_fails_is_told_and_the_rest_goes_on(tmp_path, monkeypatch, capsys):
    def fail(settings: Settings):
        yield row_of("first", "hepad", "s", [1.0])
        raise ValueError("the disk is full")

    def leave_out(settings: Settings):
        raise LeftOut('pip install "hepad[root]"')
        yield

    works = {"works": lambda settings: iter([row_of("second", "hepad", "s", [2.0])])}
    monkeypatch.setattr(suite, "PARTS", {"fails": fail, "is_left_out": leave_out, **works})
    output = tmp_path / "bench.json"
    assert suite.main(["--tiny", "--output", str(output)]) == 1
    parts = json.loads(output.read_text())["parts"]
    assert parts["fails"]["error"] == "ValueError: the disk is full"
    assert [row["case"] for row in parts["fails"]["rows"]] == ["first"]
    assert parts["is_left_out"]["left_out"] == 'pip install "hepad[root]"'
    assert [row["case"] for row in parts["works"]["rows"]] == ["second"]
    assert "failed: fails" in capsys.readouterr().err


def test_names_of_parts_are_checked(capsys):
    with pytest.raises(SystemExit) as stop:
        suite.main(["--only", "trainings"])
    assert stop.value.code == 2
    assert "allowed: training, scoring" in capsys.readouterr().err
    assert {*ON_A_GPU, *ON_DEMAND} < set(PARTS)


def test_the_seconds_of_commands_are_taken(tmp_path, monkeypatch):
    asked = []

    def answer(words, directory):
        asked.append(words)
        for word in words:
            if word.startswith("hydra.run.dir="):
                run_dir = Path(word.removeprefix("hydra.run.dir="))
                run_dir.mkdir()
                facts = {"epochs": 3, "seconds": {"set_up": 0.1, "train": 0.2, "score": 0.05}}
                (run_dir / "provenance.json").write_text(json.dumps(facts))
        return 2 if any(word in ("model=nothing", "trainer.max_epochs=-3", "loss=ssim") for word in words) else 0

    monkeypatch.setattr(commands, "python", answer)
    settings = replace(tiny(tmp_path), rounds=2)
    assert "first step of a training" in {row.way for row in commands.start_up(settings)}
    rows = {row.way: row.value for row in commands.default_run(settings)}
    assert rows["train"] == 0.2
    assert "score" not in rows
    assert "data.limit=500" in asked[-1]
    monkeypatch.setattr(commands, "python", lambda words, directory: 1)
    with pytest.raises(RuntimeError, match="exit code 1"):
        list(commands.default_run(settings))
