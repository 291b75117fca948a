"""`decorrelate` from the command line to the report, and what docs/decorrelation.md says of it."""

import json
import re
import shlex
from pathlib import Path

import pytest

from hepad import train
from hepad.checks.combinations import validate
from hepad.config import compose
from tests.runs.conftest import call, two_samples

QUICK = ["logger=none", "trainer.max_epochs=2", "data.batch_size=64", "data=jets"]
DOCS = Path(__file__).parents[2] / "docs/decorrelation.md"


def test_from_the_command_line_to_the_report(tmp_path):
    words = [
        "decorrelate.variable=pt",
        "decorrelate.weight=20",
        "decorrelate.planing=true",
        "evaluation.sculpting=[mass]",
    ]
    done = call(train.main, tmp_path, *two_samples(tmp_path), *QUICK, *words, "hydra.run.dir=run")
    assert done.code == 0, done.err
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    for observable in ("pt", "mass"):
        assert 0 <= metrics[f"test/jsd_at_fpr_5e-1/{observable}"] <= 1
        assert metrics[f"test/jsd_at_fpr_5e-1/{observable}/floor"] > 0
        assert (tmp_path / f"run/plots/sculpting_{observable}.png").is_file()
    columns = (tmp_path / "run/history.csv").read_text().splitlines()[0].split(",")
    assert {"train/distance_correlation2", "val/distance_correlation2"} <= set(columns)
    page = (tmp_path / "run/report.html").read_text()
    assert "Sculpting" in page
    assert "JSD of random cuts" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["decorrelate.variable=m_jj"], "decorrelate.variable=m_jj"),
        (["decorrelate.weight=-1"], "decorrelate.weight=-1"),
        (["decorrelate.varable=pt"], "no key 'varable' in decorrelate"),
        (["model=isolation_forest", "decorrelate.variable=pt"], "decorrelate.planing=true"),
    ],
)
def test_what_cannot_be_decorrelated(tmp_path, words, said):
    done = call(train.main, tmp_path, *two_samples(tmp_path), *QUICK, *words, "hydra.run.dir=refused")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (tmp_path / "refused").exists()


def test_every_command_of_the_page_is_one():
    text = DOCS.read_text().replace("\\\n", " ")
    commands = re.findall(r"^ {4}python -m hepad\.train (.+)$", text, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        validate(compose("train", [*shlex.split(command, comments=True), "paths.run=my_run"]))
