"""Every block of docs/to_a_trigger.md, run as it stands there, and what its commands leave and refuse."""

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import hepad
from hepad import export, threshold, train
from hepad.exporting import requirements
from tests.runs.conftest import call, two_samples

PAGE = (Path(__file__).parents[2] / "docs" / "to_a_trigger.md").read_text(encoding="utf-8")
COMMANDS = {"train": train.main, "threshold": threshold.main, "export": export.main}


LINES = re.findall(r"^    python -m hepad\.(.*)$", PAGE, flags=re.MULTILINE)
OF_PROGRAMS = [line for line in LINES if "runs/dense" in line]


def run_commands(lines: Sequence[str], directory: Path) -> None:
    """Run commands of the page, one after the other, on a small sample."""
    quick = [*two_samples(directory), "trainer.max_epochs=1", "evaluation.plots=false", "logger=none"]
    for line in lines:
        name, *words = shlex.split(line)
        if name == "threshold":
            # Of few entries, ten must lie beyond.
            words.append("name=fpr_2e-2")
            words = ["fpr=0.1" if word.startswith("fpr") else word for word in words]
        done = call(COMMANDS[name], directory, *words, *(quick if name == "train" else []))
        assert done.code == 0, done.err


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    """What the commands up to the program leave."""
    directory = tmp_path_factory.mktemp("export")
    run_commands(OF_PROGRAMS, directory)
    return directory


@pytest.mark.thorough
def test_every_project_of_the_page_is_made(tmp_path):
    """Compilers take half a minute; tests of `hepad.firmware` compile a small network."""
    run_commands([line for line in LINES if line not in OF_PROGRAMS], tmp_path)
    for name in ("mu2", "q6", "forest"):
        assert list((tmp_path / "runs" / name / "export").iterdir())


def test_every_block_of_python_runs(directory, monkeypatch, capsys):
    monkeypatch.chdir(directory)
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    run = hepad.load_run("runs/dense")
    np.testing.assert_allclose(names["score"], run.score(names["jets"]), rtol=1e-5)
    np.testing.assert_allclose(names["scores"].numpy(), names["score"], rtol=1e-5)
    assert "['pt', 'eta', 'phi', 'mass']" in capsys.readouterr().out


def test_the_files_agree_with_the_run_on_all_that_it_tests(directory):
    tested = json.loads((directory / "runs/dense/provenance.json").read_text())
    for format_name in ("onnx", "pt2"):
        facts = json.loads((directory / f"runs/dense/export/scorer_{format_name}.json").read_text())
        assert set(facts["parity"]["samples"]) == {"background", "signal"}
        assert facts["parity"]["max_relative"] < 1e-5
        assert facts["parity"]["wrong_decisions"] == 0
        assert facts["checkpoint_sha256"] == hepad.load_run(directory / "runs/dense").checkpoint_sha256
        assert facts["inputs"][0]["features"] == tested["entries"]["definition"]["features"]


def test_the_programs_beside_the_files_score(directory, monkeypatch):
    run, jets = hepad.load_run(directory / "runs/dense"), np.random.default_rng(0).exponential(20, (7, 17))
    for format_name in ("onnx", "pt2"):
        path = directory / f"runs/dense/export/scorer_{format_name}.py"
        names = {"__file__": str(path), "__name__": "scorer"}
        exec(path.read_text(), names)
        found = names["score"](jets)
        np.testing.assert_allclose(found["score"], run.score(jets), rtol=1e-5)
        assert found["accepted_fpr_2e-2"].dtype == bool


def test_what_is_there_is_not_replaced(directory):
    done = call(export.main, directory, "run=runs/dense")
    assert done.code == 2
    assert "scorer.onnx exists; overwrite=true replaces it" in done.err


def test_a_suffix_of_another_format_is_refused(directory):
    done = call(export.main, directory, "run=runs/dense", "output=scorer.pt2")
    assert done.code == 2
    assert "a file of format=onnx ends with .onnx" in done.err


def test_a_format_that_does_not_exist_names_those_that_do(directory):
    done = call(export.main, directory, "run=runs/dense", "format=tflite")
    assert done.code == 2
    assert "onnx, torch_export, hls4ml" in done.err


def test_a_missing_package_is_told_with_the_command_that_installs_it(directory, monkeypatch):
    there = requirements.find_spec
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == "onnxruntime" else there(name))
    done = call(export.main, directory, "run=runs/dense", "output=other.onnx")
    assert done.code == 2
    assert done.err == 'error: format=onnx needs onnxruntime: pip install "hepad[export]"\n'


def test_a_file_that_says_something_else_is_not_kept(directory):
    done = call(
        export.main, directory, "run=runs/dense", "format=torch_export", "output=other.pt2", "tolerance=0", "card=false"
    )
    kept = (directory / "other.pt2").exists()
    # A program of torch.export computes the same bits, or else nothing is there.
    assert kept == (done.code == 0)
    assert kept or "nothing was written" in done.err
    assert not list(directory.glob(".other*"))
