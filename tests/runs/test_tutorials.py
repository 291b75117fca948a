"""The notebooks of docs/tutorials, all cells one after the other, on small settings."""

import ast
import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from scripts.tutorials.notebooks import (
    NAMES,
    PICTURES,
    TUTORIALS,
    cells_of,
    changed_cell,
    page_with_outputs,
    read_outputs,
)

from hepad.report.picture import Picture
from hepad.run import Run
from tests.runs.conftest import call

FEW = {"data.limit": 300, "trainer.max_epochs": 1}
SIGNALS = dict.fromkeys(("jet_ht", "ttbar", "radion", "wprime", "soft_qcd"), 300)
SETTINGS: dict[str, dict[str, object]] = {
    "first_run": {"data.limit": {"zero_bias": 6000, **dict.fromkeys(SIGNALS, 1200)}, "trainer.max_epochs": 1},
    "own_data": FEW,
    "top_and_qcd": {**FEW, "data.n_pixels": 10},
    "dijet_search": {},
    "gans_and_latent_search": FEW,
    # 0.1% of the background are ten of its tested events.
    "run_to_trigger": {"data.limit": {"zero_bias": 50000, **SIGNALS}, "trainer.max_epochs": 1},
}
"""What takes the place of `settings` in the first cell."""

WORDS = {
    "export": ["entries=300"],
    "train": ["data.limit=300", "trainer.max_epochs=1", "evaluation.plots=false"],
    "evaluate": ["data.limit=60", "inference.steps=2", "inference.n_seed=1"],
    "search": [
        "methods.trees.density=[model=flow,model.kind=realnvp,model.transforms=2,model.hidden=[16],trainer.max_epochs=2]",
        "methods.trees.classifier=[model=trees,model.members=1,model.max_iter=20]",
        "cuts=[1.0,0.1,0.01]",
        "data.limit=8000",
        "toys=20",
    ],
}
"""What is added to a command."""


def run_python(code: str, names: dict[str, Any], page: str) -> Any:
    """Run a cell as a notebook does; return the value of its last line, which a notebook would show."""
    shown = None
    for statement in ast.parse(code).body:
        shown = None
        if isinstance(statement, ast.Expr):
            shown = eval(compile(ast.Expression(statement.value), page, "eval"), names)
        else:
            exec(compile(ast.Module([statement], []), page, "exec"), names)
    return shown


def run_shell(code: str, directory: Path) -> str:
    """Run the commands of a cell in this process; return what the last one prints."""
    out = ""
    for line in code.splitlines():
        program, name, *words = shlex.split(re.split(" [|>] ", line)[0])
        if name == "compare":
            words = [str(path) for word in words for path in sorted(directory.glob(word)) or [word]]
        assert program == "hepad"
        done = call(importlib.import_module(f"hepad.{name}").main, directory, *words, *WORDS.get(name, []))
        assert done.code == 0, done.err
        out = done.out
    return out


def run_tutorial(name: str, directory: Path) -> tuple[list[Any], dict[str, Any]]:
    """Run all cells of a tutorial; return what each would show, and the names that are left."""
    names: dict[str, Any] = {}
    shown = []
    for n, cell in enumerate(cells_of((TUTORIALS / f"{name}.md").read_text(encoding="utf-8"))):
        if cell.language == "bash":
            shown.append(run_shell(cell.code, directory))
        else:
            shown.append(run_python(cell.code, names, name))
        if n == 0 and "settings" in names:
            names["settings"] = SETTINGS[name]
    return shown, names


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.thorough
def test_own_data(place):
    shown, names = run_tutorial("own_data", place)
    assert isinstance(shown[2], Run)
    assert [type(value) for value in shown].count(Picture) == 1
    assert names["run"].feature_names == ("mass", "n", "width", "ptd", "leading")
    assert set(names["runs"]) == {"isolation_forest", "gmm", "nae"}
    assert (place / "scores.h5").is_file()


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in NAMES if name != "own_data"])
def test_a_tutorial_runs(name, place):
    shown, _ = run_tutorial(name, place)
    assert any(isinstance(value, Picture) for value in shown)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_site_shows_is_of_the_code_beside_it(name):
    text = (TUTORIALS / f"{name}.md").read_text(encoding="utf-8")
    assert changed_cell(name, text) is None, f"make tutorials ARGS={name}"
    page = page_with_outputs(name, text)
    shown = [output for cell in read_outputs(name) for output in cell["shown"]]
    assert all(output["file"] in page for output in shown if output["kind"] == "picture")
    assert all((PICTURES / output["file"]).is_file() for output in shown if output["kind"] == "picture")
    # The layout of code may change, what it says may not.
    assert changed_cell(name, text.replace("import hepad\n", "import  hepad\n", 1)) is None
    changed = text.replace("from pathlib import Path", "from pathlib import PurePath", 1)
    assert changed == text or changed_cell(name, changed) is not None
    assert page_with_outputs(name, text.replace("```python\n", "```python\n1 + 1\n", 1)) != page
