"""The rooms of the package: each imports only what stands left of it, so that there is no circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hepad

PACKAGE = Path(hepad.__file__).parent

# The table of docs/architecture.md, from left to right; every room may import `core` besides.
MAY_IMPORT = {
    "core": set(),
    "bundled": set(),
    "cluster": set(),
    "config": set(),
    "templates": {"config"},
    "nn": set(),
    "losses": set(),
    "metrics": set(),
    "generators": {"metrics"},
    "stats": set(),
    "formats": {"cluster", "config"},
    "data": {"bundled", "config", "formats"},
    "simulation": {"cluster", "formats"},
    "models": {"config", "nn", "losses"},
    "inference": {"data", "losses", "models", "nn"},
    "plots": {"generators", "metrics"},
    "report": {"metrics"},
    "callbacks": {"data", "inference", "metrics", "models"},
    "steps": {"data", "models"},
    "scores": {"data", "models"},
    "rundir": {"config"},
    "logging": {"config", "metrics", "plots", "rundir"},
    "checks": {"bundled", "config", "data", "logging", "losses", "models", "rundir"},
    "checkpoints": {"callbacks", "config", "models", "rundir"},
    "results": {"callbacks", "data", "generators", "inference", "metrics", "models", "plots", "report", "rundir"},
    "run": {
        "bundled", "callbacks", "checkpoints", "checks", "cluster", "config", "data", "formats", "generators",
        "inference", "logging", "metrics", "models", "nn", "plots", "report", "results", "rundir", "scores", "steps",
    },
    "exporting": {"data", "metrics", "models", "nn", "plots", "report", "run", "rundir", "scores"},
    "firmware": {"exporting", "metrics", "models", "nn", "plots", "report", "run", "rundir"},
    "comparison": {"generators", "metrics", "plots", "report", "rundir"},
    "pipeline": {
        "callbacks", "checks", "comparison", "config", "data", "formats", "logging", "metrics", "models", "plots",
        "report", "results", "run", "rundir",
    },
    "searches": {
        "bundled", "checks", "comparison", "config", "data", "logging", "metrics", "models", "pipeline", "plots",
        "report", "run", "rundir", "stats",
    },
    "serving": {"plots", "run", "scores"},
    "columnar": {"run"},
    "cli": {"checks", "config", "rundir"},
    "python": {
        "callbacks", "checks", "cli", "config", "data", "formats", "losses", "pipeline", "run", "rundir", "scores",
    },
}  # fmt: skip

COMMANDS = {
    "__init__",
    "__main__",
    "compare",
    "convert",
    "dashboard",
    "evaluate",
    "export",
    "fetch",
    "generate",
    "generator_card",
    "inspect",
    "new",
    "schema",
    "score",
    "search",
    "serve",
    "simulate",
    "threshold",
    "top",
    "train",
}


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of hepad that a file names, also inside functions and for type checkers."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "hepad":
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "hepad")


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rooms_of(path: Path) -> set[str]:
    found = {name.split(".")[1] for name in imports(path) if "." in name}
    return {room for room in found if room in MAY_IMPORT or (PACKAGE / room).is_dir()}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_stands_left_of_it(room: str) -> None:
    order = list(MAY_IMPORT)
    assert all(order.index(other) < order.index(room) for other in MAY_IMPORT[room])
    for path in (PACKAGE / room).rglob("*.py"):
        strangers = rooms_of(path) - MAY_IMPORT[room] - {room, "core"}
        assert not strangers, f"{path.relative_to(PACKAGE)} imports {', '.join(sorted(strangers))}"


def test_every_arrow_of_the_table_is_used() -> None:
    for room, allowed in MAY_IMPORT.items():
        used = set().union(*(rooms_of(path) for path in (PACKAGE / room).rglob("*.py")))
        assert allowed <= used, f"{room} never imports {', '.join(sorted(allowed - used))}"


def test_every_file_stands_in_a_room_or_is_a_command() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == COMMANDS
    assert {path.parent.name for path in PACKAGE.glob("*/*.py")} == set(MAY_IMPORT)


def test_no_file_of_a_sweep_has_the_name_of_one_of_a_comparison() -> None:
    """A sweep's pages are made of what a comparison's are: a second file of that name would be a second engine."""
    comparison, pipeline = (
        {path.stem for path in (PACKAGE / room).glob("*.py")} for room in ("comparison", "pipeline")
    )
    assert comparison & pipeline == {"__init__"}


def test_inside_the_rooms_there_is_no_circle_of_files() -> None:
    """Two files that need each other are one subject; imports inside functions count, those for type checkers too."""
    files = {module_name(path): path for path in PACKAGE.rglob("*.py")}

    def needed(name: str) -> set[str]:
        # A name that is no file is something in one.
        found = {full if full in files else full.rpartition(".")[0] for full in imports(files[name])}
        return (found & set(files)) - {name}

    # The root, which all may ask for the version, imports on first use alone.
    needs = {name: needed(name) if name != "hepad" else set() for name in files}
    while leaves := [name for name, others in needs.items() if not others]:
        for name in leaves:
            del needs[name]
        for others in needs.values():
            others.difference_update(leaves)
    assert not needs, f"a circle among {', '.join(sorted(needs))}"
