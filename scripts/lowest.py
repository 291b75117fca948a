"""Tests of hepad with the lowest versions that pyproject.toml allows: `make lowest`, and every night.

Each bound of pyproject.toml is a promise; this keeps it honest. An environment of its own is made with the lowest
version of each direct dependency (uv's `lowest-direct`), a model is trained in it, and the tests of the core run there.
These tests write files of public formats and try every model: the extras that they need are taken at their lowest too.
What tests themselves need is taken as the extra `dev` bounds it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
TOOLS: Final = ("jsonschema>=4.21", "pytest>=8.3", "pytest-xdist>=3.6")
EXTRAS: Final = ("blosc", "flows", "jets", "parquet", "pyod", "root")
"""Extras that the tests of `CORE` need."""
CORE: Final = (
    "nn",
    "losses",
    "metrics",
    "core",
    "rundir",
    "config",
    "models",
    "data",
    "scores",
    "plots",
    "report",
)
"""Rooms whose tests need no extra but `EXTRAS`."""


def main() -> None:
    """Make the environment, train, and run the tests; exit with the code of the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / "build/lowest", help="where the environment is made")
    parser.add_argument("--python", default=sys.executable, help="the Python of the environment")
    parser.add_argument("--extras", default=",".join(EXTRAS), help="extras of hepad that are taken at their lowest too")
    parser.add_argument("tests", nargs="*", help="tests to run; those of the core unless given")
    asked = parser.parse_args()
    python = asked.venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    uv = [sys.executable, "-m", "uv"]
    if not python.exists():
        _run([*uv, "venv", "--quiet", "--python", asked.python, str(asked.venv)])
    extras = f"[{asked.extras}]" if asked.extras else ""
    lowest = ["--python", str(python), "--resolution", "lowest-direct"]
    _run([*uv, "pip", "install", *lowest, "--editable", f".{extras}", *TOOLS])
    environment = os.environ | {"WANDB_MODE": "offline"}
    with tempfile.TemporaryDirectory() as directory:
        words = ["model=dense_ae", "trainer.max_epochs=2", "data.limit=4000", f"hydra.run.dir={directory}/run"]
        _run([str(python), "-m", "hepad.train", *words], environment)
    tests = asked.tests or [str(Path("tests/unit") / room) for room in CORE]
    # Old libraries beside new ones of theirs are told off for what they call: no fault of hepad's.
    quiet = ["-o", "filterwarnings=default", "--disable-warnings"]
    _run([str(python), "-m", "pytest", "-q", "-n", "auto", "--dist", "loadfile", *quiet, *tests], environment)


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    print("+", *command, flush=True)
    if code := subprocess.run(command, cwd=ROOT, env=environment).returncode:
        sys.exit(code)


if __name__ == "__main__":
    main()
