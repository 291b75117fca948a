"""thresholds.json: the operating points that are kept with a run, by name."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.core.names import check_name
from hepad.rundir.parsing import fields, mapping, number, read_json, text

THRESHOLDS: Final = "thresholds.json"
_BYTES: Final = 1 << 20
_MOST: Final = 100

_share: Final = fields(
    {"entries": number(0), "beyond": number(0), "value": number(0, 1), "low": number(0, 1), "high": number(0, 1)},
    need=["entries", "beyond", "value", "low", "high"],
)
_point: Final = fields(
    {
        "fpr": number(0, 1),
        "threshold": number(),
        "low": number(),
        "high": number(),
        "chosen": _share,
        "tested": _share,
        "agreement": number(0, 1),
        "background": text(255),
        "origin": text(),
        "checkpoint_sha256": text(128),
    },
    need=["fpr", "threshold", "low", "high", "chosen", "tested", "agreement", "checkpoint_sha256"],
)
_FILE: Final = fields({"thresholds": mapping(_point, most=_MOST)}, need=["thresholds"])


def read_thresholds(run_dir: Path) -> dict[str, dict[str, Any]]:
    """Return name → operating point of a run; empty where none was chosen.

    Raises:
        UserError: the file is damaged, or holds something else than hepad writes.
    """
    path = run_dir / THRESHOLDS
    if not os.path.lexists(path):
        return {}
    found = read_json(path, _BYTES)
    _FILE(found, str(path))
    for name in found["thresholds"]:
        check_name(f"{path}: a threshold named {name[:80]!r}", name)
    return dict(found["thresholds"])


def current_thresholds(run_dir: Path, checkpoint_sha256: str) -> dict[str, dict[str, Any]]:
    """Return name → operating point of a run, all of them chosen with the weights that it has.

    Raises:
        UserError: the file is damaged, or of other weights.
    """
    points = read_thresholds(run_dir)
    for name, point in points.items():
        if point["checkpoint_sha256"] != checkpoint_sha256:
            raise UserError(
                f"{run_dir / THRESHOLDS}: {name} was chosen with other weights than checkpoints/best.ckpt has; choose "
                "it again with hepad.threshold, or remove the file"
            )
    return points


def keep_threshold(run_dir: Path, name: str, point: Mapping[str, Any]) -> None:
    """Add an operating point to those of a run, in one step; those of other weights go.

    Raises:
        UserError: the file is damaged, or has no room for more.
    """
    kept = {
        known: other
        for known, other in read_thresholds(run_dir).items()
        if other["checkpoint_sha256"] == point["checkpoint_sha256"] and known != name
    }
    if len(kept) >= _MOST:
        raise UserError(f"{run_dir / THRESHOLDS} holds {len(kept)} thresholds; remove some of them first")
    text_of = json.dumps({"thresholds": kept | {name: dict(point)}}, indent=2)
    atomic_write_text(run_dir / THRESHOLDS, text_of + "\n")
