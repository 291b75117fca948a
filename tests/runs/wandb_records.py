"""Reading an offline W&B record back, with W&B's own tool."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from wandb.util import get_core_path


def records(run: Path) -> list[Path]:
    """Return the directories of the W&B records of a run, oldest first."""
    return sorted((run / "wandb").glob("offline-run-*"))


def summary(record: Path) -> dict[str, Any]:
    """Return state, exit code, config, tags and the summary of a record."""
    found: dict[str, Any] = json.loads(_inspect(record, "--summary"))
    return found


def entries(record: Path, kind: str) -> list[dict[str, Any]]:
    """Return all entries of one kind (`run`, `history`, `metric`, `config`, `artifact`, `exit`, …) in a record."""
    lines = (json.loads(line) for line in _inspect(record).splitlines())
    return [line[kind] for line in lines if line["type"] == kind]


@cache
def _inspect(record: Path, *options: str) -> str:
    (file,) = record.glob("*.wandb")
    # What `wandb leet inspect` calls; the command itself would import all of W&B first.
    command = [get_core_path(), "leet", "inspect", "--json", *options, "--run-file", str(file), str(record.parent)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout
