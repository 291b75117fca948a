"""Provenance of a run: versions, revision, machine, data and times."""

import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from hepad import __version__
from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text, file_sha256
from hepad.core.regions import region_facts
from hepad.data import AnomalyDataModule
from hepad.data.entries import sketch_of
from hepad.models import AnomalyModel
from hepad.run.context_range import CONTEXT_RANGE, context_range_facts
from hepad.rundir.locking import RUN_FORMAT, RunStatus

PACKAGES: Final = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "h5py", "scikit-learn", "wandb")


def provenance(data: AnomalyDataModule, model: AnomalyModel, seed: int) -> dict[str, Any]:
    """Return all that is known before training starts, as plain JSON values."""
    return {
        "hepad": __version__,
        "format": RUN_FORMAT,
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "git_revision": git_revision(Path(__file__).parent),
        "host": platform.node(),
        "platform": platform.platform(),
        # Sums are split over threads, so equal results to the last bit need equally many.
        "threads": torch.get_num_threads(),
        "command": command_words(),
        "seed": seed,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {
            sample: {"file": str(path.resolve()), "sha256": file_sha256(path), **data.tested_facts(sample)}
            for sample, path in data.files.items()
        },
        "background": data.background,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "trained": data.n_trained,
        "validated": data.n_validated,
        "split_sha256": data.split_hashes(),
        "entries": {"definition": data.entry_definition, "trained_sketch": sketch_of(data.train_entries.batch.x)},
        **role_facts(data),
        **({CONTEXT_RANGE: ranges} if (ranges := context_range_facts(data)) else {}),
        "streamed": None if data.streamed is None else data.streamed.facts,
        "status": RunStatus.RUNNING,
    }


def role_facts(data: AnomalyDataModule) -> dict[str, Any]:
    """Return roles, regions, context, folds and contamination as plain JSON values, but for what a run does without."""
    roles = [found.facts() for found in data.role_entries]
    facts = {
        "roles": None if data.given_roles is None else roles,
        "regions": {name: region_facts(region) for name, region in data.regions.items()},
        "context": list(data.context_names),
        "folds": None if data.folds is None else {"folds": data.folds, "fold": data.fold},
        "contamination": data.contamination_facts(),
    }
    return {key: value for key, value in facts.items() if value}


def check_same_data(facts: Mapping[str, Any], data: AnomalyDataModule) -> None:
    """Raise `UserError` where the files or the split are others than those of an earlier provenance."""
    recorded = facts.get("data", {})
    if recorded and recorded.keys() != data.files.keys():
        raise UserError(f"the samples were {', '.join(recorded)}, now they are {', '.join(data.files)}")
    for sample, known in recorded.items():
        if file_sha256(data.files[sample]) != known["sha256"]:
            raise UserError(
                f"{data.files[sample]} ({sample}) has changed since the run began; put the file back, or train again"
            )
    if facts.get("split_sha256", data.split_hashes()) != data.split_hashes():
        raise UserError("the split into training, validation and test is another than when the run began; train again")
    streamed = None if data.streamed is None else data.streamed.facts
    if facts.get("streamed", streamed) != streamed:
        raise UserError("entries were streamed in other blocks, or not at all, when the run began; train again")
    now = role_facts(data)
    for key in ("roles", "regions", "context", "folds", "contamination") if "split_sha256" in facts else ():
        if facts.get(key) != now.get(key):
            raise UserError(f"the {key} of the data are others than when the run began; train again")


def write_provenance(run_dir: Path, values: dict[str, Any]) -> None:
    """Write provenance.json."""
    atomic_write_text(run_dir / "provenance.json", json.dumps(values, indent=2) + "\n")


def command_words() -> list[str]:
    """Return the words of this run's command line as they were typed; in a sweep those of this job alone."""
    if not HydraConfig.initialized():
        return sys.argv[1:]
    # What a word refers to, such as a variable of the environment, may be gone by now, or be nobody's business.
    words: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    return [str(word) for word in words]


def git_revision(directory: Path) -> str | None:
    """Return the revision of the checkout that holds `directory`, with `-dirty` where it was changed; else None."""
    try:
        found = subprocess.run(
            ["git", "-C", str(directory), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
