"""Pretrained scorers by name: what is listed, what a wrong name is told, and where commands find and keep them."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest

import hepad
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.rundir import pretrained
from hepad.rundir.pretrained import find_pretrained, pretrained_home, pretrained_run, with_pretrained

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPAD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_every_folder_is_listed_with_its_weights():
    listed = hepad.list_pretrained()
    folders = {path.parent.name for path in pretrained_home().glob("*/config.yaml")}
    assert len(listed) >= 8
    assert {name.replace("/", "-") for name in listed} == folders
    for name, line in listed.items():
        found = find_pretrained(name)
        assert file_sha256(found.directory / "checkpoints/best.ckpt") == found.checkpoint_sha256
        assert "AUC of" in line
    assert [line.split()[0] for line in repr(listed).splitlines()] == list(listed)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("conv_ae/cal", "no pretrained scorer 'conv_ae/cal'; did you mean conv_ae/calo?"),
        ("dijets", "did you mean gmm/dijets?"),
        ("zzzz", "no pretrained scorer 'zzzz'; there are dense_ae/jets, "),
        ("../../etc", "no pretrained scorer '../../etc'; there are "),
    ],
)
def test_a_wrong_name_is_told_the_nearest(wrong, told):
    with pytest.raises(UserError) as refused:
        find_pretrained(wrong)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_command_gets_a_copy_that_it_may_write_in_once(cache):
    (word,) = with_pretrained(["run=pretrained:gmm/dijets"])
    directory = Path(word.removeprefix("run="))
    assert directory.parent == cache / "pretrained"
    assert directory.name == f"gmm-dijets-{find_pretrained('gmm/dijets').checkpoint_sha256[:8]}"
    shipped = find_pretrained("gmm/dijets").directory
    names = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
    assert {path.relative_to(directory) for path in directory.rglob("*") if path.is_file()} == names
    (directory / "thresholds.json").write_text("{}")
    assert pretrained_run("gmm/dijets") == directory
    assert (directory / "thresholds.json").read_text() == "{}"
    assert [path.name for path in (cache / "pretrained").iterdir()] == [directory.name]


def test_other_words_stay_as_they_are(cache):
    words = ["run=outputs/pretrained", "name=pretrained:x", "input=pretrained:gmm/dijets", "-m", "pretrained=1"]
    assert with_pretrained(words) == words
    assert with_pretrained(["pretrained:gmm/dijets"]) == [str(pretrained_run("gmm/dijets"))]
    teacher = with_pretrained(["model.teacher=pretrained:gmm/dijets"])
    assert teacher == [f"model.teacher={pretrained_run('gmm/dijets')}"]


def test_a_cache_that_cannot_be_written_is_told(cache, monkeypatch):
    cache.write_text("a file")
    with pytest.raises(UserError, match="HEPAD_CACHE=DIR"):
        pretrained_run("gmm/dijets")


def test_half_a_copy_is_never_found(cache, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(UserError, match="choose another place with HEPAD_CACHE=DIR"):
        pretrained_run("gmm/dijets")
    assert list((cache / "pretrained").iterdir()) == []


def test_the_wheel_puts_them_where_they_are_looked_for(tmp_path, monkeypatch):
    """What hatchling is told to include, done by hand: the package finds its scorers without a checkout."""
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    for source, target in hatch["wheel"]["force-include"].items():
        shutil.copytree(ROOT / source, tmp_path / target)
    monkeypatch.setattr(pretrained, "__file__", str(tmp_path / "hepad/rundir/pretrained.py"))
    assert pretrained_home() == tmp_path / "hepad/hepad-models"
    assert set(hepad.list_pretrained()) == set(json.loads((ROOT / "hepad-models/index.json").read_text()))
    assert "/hepad-models" in hatch["sdist"]["include"]


def test_an_installation_without_them_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "__file__", str(tmp_path / "src/hepad/rundir/pretrained.py"))
    with pytest.raises(UserError, match="has no pretrained scorers; install it again"):
        hepad.list_pretrained()
