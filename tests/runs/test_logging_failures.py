"""A home that cannot be written, and loggers that fail: neither costs a training."""

import json
import os

import pytest

from hepad import evaluate, train
from hepad.logging import wandb_files, wandb_results
from hepad.logging.loggers import wandb_home
from tests.runs.conftest import call, two_samples

# Nothing can be made below a file, not even by root.
NO_HOME = "/dev/null/home"
WANDB = ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR")
WORDS = ["trainer.max_epochs=1", "evaluation.plots=false", "logger.wandb.log_model=best", "hydra.run.dir=run"]


@pytest.fixture
def without_home(monkeypatch):
    monkeypatch.setenv("HOME", NO_HOME)
    for name in (*WANDB, "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_a_home_that_cannot_be_written(tmp_path, without_home):
    done = call(train.main, tmp_path, *two_samples(tmp_path), *WORDS)
    assert done.code == 0, done.err
    assert "warning" not in done.err
    assert json.loads((tmp_path / "run/provenance.json").read_text())["status"] == "finished"
    assert any((tmp_path / "run/wandb/staging").rglob("*"))


def test_where_wandb_keeps_its_files(tmp_path, without_home, monkeypatch):
    with wandb_home(tmp_path):
        assert {name: os.environ[name] for name in WANDB} == {
            name: str(tmp_path / "wandb" / part)
            for name, part in zip(WANDB, ("staging", "cache", "config"), strict=True)
        }
    assert not set(WANDB) & os.environ.keys()
    # A home that can be written keeps the settings and the cache; what the user says is left alone.
    monkeypatch.setenv("HOME", str(tmp_path))
    with wandb_home(tmp_path / "run"):
        assert set(WANDB) & os.environ.keys() == {"WANDB_DATA_DIR"}
    monkeypatch.setenv("WANDB_DATA_DIR", "mine")
    with wandb_home(tmp_path / "run"):
        assert os.environ["WANDB_DATA_DIR"] == "mine"
    assert os.environ["WANDB_DATA_DIR"] == "mine"


@pytest.mark.parametrize(("module", "name"), [(wandb_results, "log_results"), (wandb_files, "log_checkpoints")])
def test_a_logger_that_fails_after_training_costs_a_warning(tmp_path, monkeypatch, module, name):
    def fail(*args):
        raise PermissionError(13, "Permission denied", "/home/somebody")

    monkeypatch.setattr(module, name, fail)
    done = call(train.main, tmp_path, *two_samples(tmp_path), *WORDS)
    assert done.code == 0, done.err
    assert done.err.count("warning:") == 1
    assert "logging failed (PermissionError" in done.err
    run = tmp_path / "run"
    assert json.loads((run / "provenance.json").read_text())["status"] == "finished"
    assert all((run / left).is_file() for left in ("report.html", "metrics.json", "scores.h5"))
    if name == "log_results":
        assert "Logging failed (PermissionError" in (run / "report.html").read_text()
        done = call(evaluate.main, tmp_path, "run=run", "name=again", "evaluation.plots=false")
        assert (done.code, done.err.count("warning:")) == (0, 1), done.err
        assert (run / "evaluations/again/report.html").is_file()
