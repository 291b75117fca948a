"""provenance.json and metrics.json: what a run says of itself, and its numbers."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hepad.rundir.parsing import Rule, fields, listing, mapping, number, optional, read_json, text

PROVENANCE: Final = "provenance.json"
METRICS: Final = "metrics.json"
_BYTES: Final = 4 << 20
_LARGEST: Final = 1e15

_count: Final = number(0, _LARGEST, whole=True)
_word: Final = text()
_hash: Final = text(128)
_anything: Final[Rule] = lambda value, where: None  # noqa: E731

_role: Final = fields(
    {
        "sample": text(255),
        "region": optional(text(255)),
        "label": optional(_count),
        "weight": optional(number(0, _LARGEST)),
        "trained": _count,
        "validated": _count,
    },
    need=["sample"],
)

_PROVENANCE: Final = fields(
    {
        "hepad": _word,
        "format": _count,
        "git_revision": optional(_word),
        "threads": _count,
        "training_threads": _count,
        "command": listing(_word, most=2_000),
        "seed": optional(number(-_LARGEST, _LARGEST, whole=True)),
        "started": _word,
        "data": mapping(fields({"file": _word, "sha256": _hash, "tested": _count, "dropped": _count}), most=1_000),
        "background": optional(text(255)),
        "parameters": optional(_count),
        "trained": _count,
        "validated": _count,
        "split_sha256": mapping(_hash),
        "entries": fields({"definition": mapping(_anything), "trained_sketch": text(1 << 20)}),
        "roles": listing(_role, most=1_000),
        "regions": mapping(mapping(listing(listing(optional(number()), most=2), most=1_000)), most=1_000),
        "context": listing(text(1_000), most=1_000),
        "context_range": mapping(listing(number(), most=2), most=1_000),
        "contamination": fields(
            {"sample": optional(text(255)), "fraction": number(0, 1), "trained": _count, "validated": _count},
            need=["fraction"],
        ),
        "folds": fields({"folds": _count, "fold": _count}, need=["folds", "fold"]),
        "streamed": optional(
            fields(
                {
                    "memory": number(1, 10**18, whole=True),
                    "needed": number(1, 10**24, whole=True),
                    "buffer": _count,
                    "blocks": mapping(_count, most=1_000),
                    "drawn": _count,
                },
                need=["memory"],
            )
        ),
        "status": _word,
        "reason": optional(text(1 << 20)),
        "wandb": optional(mapping(optional(_word))),
        "epochs": optional(_count),
        "seconds": optional(mapping(number(0, _LARGEST))),
        "resumed": listing(fields({"at": _word, "from": _word, "because": _word}, need=["at"])),
        "teacher": mapping(_anything),
    }
)


def read_provenance(run_dir: str | Path) -> dict[str, Any]:
    """Return what a run's provenance.json says; empty where the run was stopped before it was written.

    Raises:
        UserError: the file is damaged, or says something of another type than hepad writes.
    """
    path = Path(run_dir) / PROVENANCE
    if not os.path.lexists(path):
        return {}
    facts = read_json(path, _BYTES)
    _PROVENANCE(facts, str(path))
    return facts


def read_metrics(run_dir: str | Path) -> dict[str, float]:
    """Return a run's metrics.json, name → number; empty where nothing was evaluated.

    A number that is undefined has no entry, so NaN and infinity are left out.

    Raises:
        UserError: the file is damaged, or holds something else than numbers.
    """
    path = Path(run_dir) / METRICS
    if not os.path.lexists(path):
        return {}
    metrics = read_json(path, _BYTES)
    rule = number(-math.inf, math.inf)
    known = {name: value for name, value in metrics.items() if not _undefined(value)}
    for name, value in known.items():
        text(1_000)(name, f"{path}: a name")
        rule(value, f"{path}: {name[:80]}")
    return {name: float(value) for name, value in known.items()}


def _undefined(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def trained_samples(facts: Mapping[str, Any]) -> list[str]:
    """Return the samples that a run was trained on, by its provenance."""
    background = [str(facts["background"])] if facts.get("background") is not None else []
    signal = facts.get("contamination", {}).get("sample")
    more = [] if signal is None else [str(signal)]
    return list(dict.fromkeys(role["sample"] for role in facts["roles"])) if "roles" in facts else background + more


def left_out_words(facts: Mapping[str, Any]) -> str:
    """Return what was read of the files and is no entry, with its number in each sample; empty where all was used."""
    found: dict[str, list[str]] = {}
    for sample, known in facts.get("data", {}).items():
        counts = {**known.get("left_out", {}), "entries with NaN or inf": known.get("dropped", 0)}
        for reason, count in counts.items():
            if count:
                found.setdefault(reason, []).append(f"{sample} {count:,}")
    return "; ".join(f"{reason}: {', '.join(samples)}" for reason, samples in found.items())
