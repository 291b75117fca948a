"""What stands in several files of the packaging says the same: versions, dependencies, Python, files that are named."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import hepad

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "isal": "python-isal"}
RECIPE = (ROOT / "packaging/conda/meta.yaml").read_text()


def requirement(text: str) -> tuple[str, str]:
    name, version = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", text).groups()
    return name, version


def test_there_is_one_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == hepad.__version__
    assert re.search(r'set version = "(.+)"', RECIPE)[1] == hepad.__version__


def test_conda_installs_what_pip_does():
    recipe = yaml.safe_load(
        re.sub(r"\{%.*%\}", "", RECIPE).replace("{{ version }}", "0").replace("{{ PYTHON }}", "python")
    )
    run = dict(map(requirement, recipe["requirements"]["run"]))
    assert run.pop("python") == PROJECT["requires-python"]
    wanted = dict(map(requirement, PROJECT["dependencies"]))
    assert run == {CONDA_NAMES.get(name, name): version for name, version in wanted.items()}


@pytest.mark.parametrize("path", ["packaging/Dockerfile", "packaging/hepad.def"])
def test_images_install_extras_that_there_are(path):
    text = (ROOT / path).read_text()
    (extras,) = re.findall(r"EXTRAS=(\S+)|\[([a-z,]+)\]\"", text)[:1]
    assert set("".join(extras).split(",")) <= set(PROJECT["optional-dependencies"])
    assert "python:3.12" in text


def test_workflows_and_the_container_of_editors_can_be_read():
    for path in sorted((ROOT / ".github/workflows").iterdir()):
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            assert all("uses" in step or "run" in step for step in job["steps"])
    assert "make .venv/.dev" in json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())["postCreateCommand"]
