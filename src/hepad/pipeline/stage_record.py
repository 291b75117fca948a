"""pipeline.json: the stages of a pipeline, how far each has come, and how long it took."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hepad import __version__
from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.rundir.parsing import read_json
from hepad.rundir.plain_values import fields, listing, mapping, number, text

FILE: Final = "pipeline.json"
WAITING: Final = "waiting"
RUNNING: Final = "running"
FINISHED: Final = "finished"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"

_BYTES: Final = 4 << 20
_word: Final = text()
_RECORD: Final = fields(
    {
        "hepad": _word,
        "threads": number(1, 1 << 20, whole=True),
        "at_once": number(1, 1 << 20, whole=True),
        "stages": mapping(
            fields(
                {
                    "output": text(4096),
                    "needs": listing(_word),
                    "status": _word,
                    "seconds": number(0, 1e15),
                    "reason": text(1 << 20),
                },
                need=["output", "status"],
            )
        ),
    },
    need=["stages"],
)


@dataclass
class StageRecord:
    """How far one stage has come.

    Attributes:
        output: what it leaves, seen from the pipeline's directory where it lies there.
        needs: the stages before it.
        status: `waiting`, `running`, `finished`, `failed` or `interrupted`.
        seconds: of all its work so far.
        reason: why it failed; empty otherwise.
    """

    output: str
    needs: list[str]
    status: str = WAITING
    seconds: float = 0.0
    reason: str = ""


@dataclass
class PipelineRecord:
    """All of pipeline.json.

    Attributes:
        threads: that the pipeline began with: the last bits of its numbers depend on them.
        at_once: how many runs could be trained side by side, if there is room.
        stages: name → how far it has come.
    """

    threads: int
    at_once: int = 1
    stages: dict[str, StageRecord] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Write pipeline.json in one step."""
        content = {
            "hepad": __version__,
            "threads": self.threads,
            "at_once": self.at_once,
            "stages": {name: asdict(stage) for name, stage in self.stages.items()},
        }
        atomic_write_text(directory / FILE, json.dumps(content, indent=2) + "\n")


def read_pipeline(directory: Path) -> dict[str, Any]:
    """Return what pipeline.json says, as plain values; no stages where it is not there.

    Raises:
        UserError: the file is damaged.
    """
    path = directory / FILE
    if not path.exists():
        return {"stages": {}}
    content = read_json(path, _BYTES)
    try:
        _RECORD(content, str(path))
    except UserError as error:
        raise UserError(f"{error}; remove the file, it is made anew") from error
    return content
