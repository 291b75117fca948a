"""Commands of docs/searches.md: every one composes as it is printed, and what names a file or a method is there."""

import re
import shlex
from pathlib import Path

import pytest

from hepad.cli.words import quote_values
from hepad.config import RunConfig, compose, config_dir
from hepad.search import named, readable
from hepad.searches.settings import read_settings

TEXT = (Path(__file__).parents[3] / "docs/searches.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(found, comments=True)[3:]
    for found in re.findall(r"^    (python -m hepad\.search .*(?:\\\n.*)?)$", TEXT.replace("\\\n", " "), re.MULTILINE)
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_documented_command_composes(words):
    given = [word for word in words if not word.startswith(("hydra/", "resume="))]
    cfg = RunConfig.of(
        compose("search", quote_values(named(quote_values(readable(given), "search", False)), "search", False))
    )
    settings = read_settings(cfg)
    assert settings.methods
    assert cfg.value("name") is not None


def test_there_are_such_commands_and_every_method_is_in_the_table():
    assert len(COMMANDS) >= 5
    assert {path.stem for path in (config_dir() / "method").glob("*.yaml")} == set(
        re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    )


def test_data_of_ones_own_are_a_table():
    assert named(["data.samples.data=mine.h5"])[1:3] == ["data=table", "data.bundled=false"]
    assert "data=table" not in named(["data=lhco", "data.samples.data=mine.h5"])


def test_a_name_does_not_depend_on_what_trains_nothing():
    name = named(["method=[cathode]", "seed=1"])[-1]
    assert named(["seed=1", "method=[cathode]", "unblind=true", "cuts=[0.1]", "logger=none"])[-1] == name
    assert named(["method=[cathode]", "seed=2"])[-1] != name
    assert named(["method=[cathode]", "name=mine"])[-1] == "name=mine"


def test_words_of_runs_may_hold_lists():
    (word,) = readable(["methods.cathode.density=[model=flow,model.hidden=[64,64],trainer.max_epochs=3]"])
    assert word == "methods.cathode.density=['model=flow','model.hidden=[64,64]','trainer.max_epochs=3']"
    assert readable(["seed=3", "words=[]"]) == ["seed=3", "words=[]"]
