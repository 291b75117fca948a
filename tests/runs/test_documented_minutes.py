"""The first ten minutes of docs/first_ten_minutes.md: every command and the block of Python, as they stand there."""

import re
import shlex
from pathlib import Path

import pytest

from hepad import compare, inspect, score, threshold, top, train
from tests.runs.conftest import call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/first_ten_minutes.md").read_text(encoding="utf-8")
LINES = re.findall(r"^    (python -m hepad\.\S+ .*)$", PAGE, flags=re.MULTILINE)
COMMANDS = {each.__name__.split(".")[-1]: each.main for each in (compare, inspect, score, threshold, top, train)}


@pytest.mark.thorough
def test_every_step_works_on_what_the_one_before_left(tmp_path, monkeypatch, capsys):
    (tmp_path / "src").symlink_to(ROOT / "src")
    printed = {}
    for line in LINES:
        name, *words = shlex.split(line.removeprefix("python -m hepad."))
        # The seconds of the page are those of all epochs and plots.
        quick = ["evaluation.plots=false"] if name == "train" else []
        done = call(COMMANDS[name], tmp_path, *words, *quick)
        assert done.code == 0, (line, done.err)
        printed[name] = done.out
    assert "33167 scores written to ttbar_scores.h5, empty slots: 6833" in printed["score"]
    assert "(0.00964 to 0.0118)" in printed["threshold"]
    assert "python -m hepad.train data=jets data.bundled=false" in printed["inspect"]
    assert (tmp_path / "comparison.html").is_file()
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(block, {})
    assert "'pt', 'eta', 'phi', 'mass'" in capsys.readouterr().out


def test_no_command_is_forgotten():
    assert len(LINES) == len(re.findall(r"^    python ", PAGE, flags=re.MULTILINE)) == 7
    assert {line.split()[2].removeprefix("hepad.") for line in LINES} == set(COMMANDS)
