"""`hepad.export format=hls4ml` without a compiler: what is written, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

import hepad
from hepad import export, threshold, train
from hepad.exporting import requirements
from tests.runs.conftest import call, two_samples

QUICK = ("trainer.max_epochs=1", "evaluation.plots=false", "logger=none", "model.score=mu2", "model=vae")


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("firmware")
    for main, *words in (
        (train.main, "hydra.run.dir=runs/mu2", *two_samples(directory), *QUICK),
        (threshold.main, "run=runs/mu2", "fpr=0.1", "name=loose"),
        (export.main, "run=runs/mu2", "format=hls4ml", "width=14", "simulate=false"),
    ):
        done = call(main, directory, *words)
        assert done.code == 0, done.err
    assert "nothing was compiled" in done.out
    return directory


def test_the_description_agrees_with_the_run(directory):
    facts = json.loads((directory / "runs/mu2/export/scorer_hls4ml/scorer.json").read_text())
    run = hepad.load_run(directory / "runs/mu2")
    assert facts["simulation"] is None
    assert facts["folding"]["max_relative"] < 1e-5
    assert facts["checkpoint_sha256"] == run.checkpoint_sha256
    assert facts["input"]["features"] == list(run.feature_names)
    cut = facts["thresholds"]["loose"]
    assert cut["whole"] * facts["score"]["step"] <= cut["threshold"] < (cut["whole"] + 1) * facts["score"]["step"]
    assert cut["reachable"]
    auc = run.metrics["test/auc/signal_vs_background"]
    assert facts["samples"]["signal"]["auc"] == pytest.approx(auc, abs=0.01)
    assert facts["width_scan"]["20"]["signal"]["auc"] == pytest.approx(auc, abs=0.002)
    # The encoder, 17 → 16 → 4, and four squares; a weight is 0 or a power of two where it happens to be.
    counted = facts["resources"]
    assert counted["multipliers"] + counted["shifts"] + counted["zeros"] == 17 + 17 * 16 + 16 * 4 + 4
    assert counted["weight_bits"] == 14 * (17 * 16 + 16 * 4) + 16 * (16 + 4)


def test_the_project_holds_the_rounded_weights(directory):
    project = directory / "runs/mu2/export/scorer_hls4ml"
    run, texts = hepad.load_run(directory / "runs/mu2"), list((project / "firmware/weights").glob("w*.txt"))
    sizes = {np.fromstring(text.read_text(), sep=",").size for text in texts}
    assert {17 * run.model.network.encoder[0].out_features, 16 * 4} <= sizes
    assert "ap_fixed<14," in (project / "firmware/defines.h").read_text()
    assert "Firmware of mu2" in (project / "card.html").read_text(encoding="utf-8")


def test_a_run_trained_in_its_numbers_is_exported_in_them(directory):
    done = call(train.main, directory, "hydra.run.dir=runs/six", *two_samples(directory), *QUICK, "model.bits=6")
    assert done.code == 0, done.err
    done = call(export.main, directory, "run=runs/six", "format=hls4ml", "simulate=false", "card=false")
    assert done.code == 0, done.err
    facts = json.loads((directory / "runs/six/export/scorer_hls4ml/scorer.json").read_text())
    assert (facts["trained_bits"], facts["width"], facts["width_scan"]) == (6, 6, {})
    assert facts["folding"]["max_relative"] == 0
    assert all(each["weight"].startswith("ap_fixed<6,") for each in facts["layers"] if each["weight"])
    run = hepad.load_run(directory / "runs/six")
    assert facts["samples"]["signal"]["auc"] == pytest.approx(run.metrics["test/auc/signal_vs_background"], abs=1e-9)
    done = call(export.main, directory, "run=runs/six", "format=hls4ml", "width=8", "output=eight")
    assert done.code == 2
    assert "width=8: this run was trained in fixed-point numbers (model.bits)" in done.err
    assert not (directory / "eight").exists()
    done = call(
        train.main, directory, "hydra.run.dir=runs/half", *QUICK, "model.bits=6", "trainer.precision=bf16-mixed"
    )
    assert done.code == 2
    assert "trainer.precision=32-true is needed" in done.err


def refused(directory: Path, *words: str) -> str:
    before = sorted(directory.rglob("*"))
    done = call(export.main, directory, "run=runs/mu2", "format=hls4ml", *words)
    assert done.code == 2
    assert sorted(directory.rglob("*")) == before
    return done.err


def test_what_is_there_is_replaced_only_when_asked(directory):
    assert "scorer_hls4ml exists; overwrite=true replaces it" in refused(directory, "simulate=false")
    (directory / "mine").mkdir(exist_ok=True)
    assert "mine exists" in refused(directory, "simulate=false", "output=mine", "overwrite=true")
    words = ("run=runs/mu2", "format=hls4ml", "simulate=false", "overwrite=true", "card=false", "entries=50")
    done = call(export.main, directory, *words, "output=other")
    assert done.code == 0, done.err
    done = call(export.main, directory, *words, "output=other", "width=10")
    assert done.code == 0, done.err
    assert json.loads((directory / "other/scorer.json").read_text())["width"] == 10
    assert not (directory / "other/card.html").exists()


def test_a_suffix_is_refused(directory):
    assert "a file of format=hls4ml is a directory, without a suffix" in refused(directory, "output=scorer.onnx")


@pytest.mark.parametrize("width", [3, 21])
def test_a_width_out_of_range_names_the_range(directory, width):
    assert "width" in (told := refused(directory, f"width={width}"))
    assert "4" in told
    assert "20" in told


def test_the_missing_extra_is_told_with_the_command_that_installs_it(directory, monkeypatch):
    monkeypatch.setattr(requirements, "find_spec", lambda name: None)
    assert refused(directory) == 'error: format=hls4ml needs hls4ml: pip install "hepad[hls4ml]"\n'


def test_a_missing_compiler_is_told(directory, monkeypatch):
    monkeypatch.setattr(requirements.shutil, "which", lambda name: None)
    assert "there is no g++: apt-get install g++" in refused(directory, "output=other2")


def test_a_simulation_that_says_something_else_leaves_nothing(directory, monkeypatch):
    from hepad.firmware import export_firmware

    monkeypatch.setattr(export_firmware, "simulate", lambda project, x: np.zeros(len(x)))
    done = call(export.main, directory, "run=runs/mu2", "format=hls4ml", "output=wrong")
    assert done.code == 1
    assert "of the C simulation are not those of the rounded network; nothing was written" in done.err
    assert not list(directory.glob("*wrong*"))
    assert not list(directory.glob(".wrong*"))
