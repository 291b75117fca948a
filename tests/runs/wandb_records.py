"""Reading an offline W&B record back, with W&B's own tool."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any


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
    wandb = Path(sys.executable).parent / "wandb"
    command = [wandb, "leet", "inspect", "--json", *options, record]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout
