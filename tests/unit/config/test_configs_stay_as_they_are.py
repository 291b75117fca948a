"""Behind the command line no file changes a config: each takes a `RunConfig`, and makes another one if need be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import DictConfig
from tests.runs.conftest import call

import hepad
from hepad.cli import run_command

PACKAGE = Path(hepad.__file__).parent

# Hydra's own sections, and command lines before a run's config is made of them.
BEFORE = {
    "checks/before_torch.py": "paths of a command line become absolute before its job begins",
    "cli": "the command line",
    "pipeline/hyperparameter_search.py": "words of a search, and Hydra's section of it",
    "pipeline/htcondor.py": "Hydra's section of a sweep",
    "pipeline/job_processes.py": "Hydra's section of a sweep",
    "pipeline/jobs.py": "Hydra's section of a job",
    "pipeline/session.py": "Hydra's section of a sweep",
    "pipeline/sweeping.py": "Hydra's section of a sweep, and its name",
    "run/provenance.py": "Hydra's section of a run: the words of its command",
    "python/composing.py": "what stands in Python for a command line",
    "rundir/locking.py": "Hydra's section of a run",
}

# What a user calls with what `compose` returned, or reads of a run.
ENTRANCES = {
    "checks/combinations.py": "hepad.run.validate",
    "pipeline/training_commands.py": "begin",
    "run/stored_run.py": "Run.config, to be read",
    "run/training.py": "hepad.run.train",
}

CHANGING = {"open_dict", "read_write", "update", "set_struct", "set_readonly", "merge", "unsafe_merge", "flag_override"}
CONFIGS = {"RunConfig", "DictConfig", "Component", "DataConfig", "TrainerConfig", "EvaluationConfig"}


def files() -> Iterator[str]:
    """Yield the files behind the command line."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name not in BEFORE and name.split("/")[0] not in BEFORE:
            yield name


def changes(source: str) -> list[int]:
    """Return the lines that change a config: by OmegaConf's ways of doing so, or by an assignment to a part of one."""
    tree = ast.parse(source)
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "omegaconf":
            lines += [node.lineno for name in node.names if name.name in CHANGING]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "OmegaConf":
            lines += [node.lineno] if node.attr in CHANGING else []
        if isinstance(node, ast.FunctionDef):
            lines += _assignments(node)
    return sorted(set(lines))


def _assignments(function: ast.FunctionDef) -> Iterator[int]:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = {word.arg for word in arguments if word.annotation is not None and CONFIGS & _names(word.annotation)}
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        targets += [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
        for target in (part for whole in targets for part in ast.walk(whole)):
            if isinstance(target, ast.Attribute | ast.Subscript) and not isinstance(target.ctx, ast.Load):
                root: ast.expr = target
                while isinstance(root, ast.Attribute | ast.Subscript):
                    root = root.value
                if isinstance(root, ast.Name) and root.id in {*named, "cfg"}:
                    yield target.lineno


def _names(node: ast.AST) -> set[str]:
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}


@pytest.mark.parametrize(
    "source",
    [
        "from omegaconf import open_dict",
        "OmegaConf.update(config, 'a', 1)",
        "def f(cfg: DictConfig) -> None:\n    cfg.data.half = 1",
        "def f(run: RunConfig) -> None:\n    run.plain['a'] = 1",
        "def f(run: RunConfig | DictConfig) -> None:\n    run.a, run.b = 1, 2",
        "def f(run: Component) -> None:\n    del run['a']",
        "def f(cfg):\n    cfg.seed += 1",
    ],
)
def test_a_change_is_found(source):
    assert changes(source)


@pytest.mark.parametrize(
    "source", ["def f(cfg: RunConfig) -> None:\n    x = {}\n    x[cfg.seed] = cfg.data.samples['a']"]
)
def test_reading_is_no_change(source):
    assert not changes(source)


def test_no_file_changes_a_config():
    # A run's config is made read-only for whoever loads it.
    found = {name: lines for name in files() if (lines := changes((PACKAGE / name).read_text(encoding="utf-8")))}
    assert [*found] == ["run/stored_run.py"]
    assert len(found["run/stored_run.py"]) == 1


def test_only_entrances_know_what_hydra_composed():
    """Files of a run read a `RunConfig`; commands of no run, and the room of configs, read what Hydra composed."""
    rooms = {"checkpoints", "checks", "data", "inference", "logging", "models", "pipeline", "results", "run"}
    knowing = {
        name
        for name in files()
        if name.split("/")[0] in rooms and "from omegaconf import" in (PACKAGE / name).read_text(encoding="utf-8")
    }
    # The dashboard makes no run, and sees its command's config alone.
    assert knowing - {"logging/dashboard.py"} == set(ENTRANCES)


def test_a_command_s_job_cannot_change_its_config(tmp_path):
    def job(cfg: DictConfig) -> None:
        cfg.n = 3

    done = call(lambda words: run_command(job, "generate", words), tmp_path)
    assert done.code == 1
    assert "ReadonlyConfigError" in done.err
