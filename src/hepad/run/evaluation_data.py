"""The entries to evaluate a run on: never one that it was trained on, unless it is asked to show exactly that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hepad.bundled import bundled_files
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.files import file_sha256, is_regular_file
from hepad.core.inputs import Given
from hepad.data import AnomalyDataModule
from hepad.formats.direct import direct_file
from hepad.run.building import build_data, with_memory


def evaluation_data(
    cfg: RunConfig, run_config: RunConfig, facts: Mapping[str, Any]
) -> tuple[AnomalyDataModule, dict[str, str]]:
    """Read the samples of an evaluation.

    The files that the run was trained on are always read too: what a trivial score calls usual comes from their
    training parts. A sample from such a file, told by its hash, is tested on the same test part of the same split; any
    other file is tested on all of its entries.

    Args:
        cfg: the config of the evaluation.
        run_config: the config that the run was trained with.
        facts: the run's provenance.

    Returns:
        The datamodule, and for each sample in words which of its entries are tested.

    Raises:
        UserError: a file that is missing or cannot be used, or a file that the run was trained on is gone.
    """
    background = str(facts.get("background") or run_config.data.background)
    trained = [str(role["sample"]) for role in run_config.data.get("train") or ()] or [background]
    if (signal := run_config.value("data.contamination.sample")) is not None:
        trained.append(str(signal))
    for name in dict.fromkeys([background, *trained]):
        if name in cfg.data.samples and cfg.data.samples[name] is None:
            what = "the background of the run" if name == background else "the run was trained on it and it"
            raise UserError(f"data.samples.{name}=null: {what} cannot be left out")
    files = {name: training_file(cfg, facts, name) for name in trained}
    data = build_data(with_memory(_with_training_files(cfg, run_config, background, files), facts))
    if facts.get("split_sha256", data.split_hashes()) != data.split_hashes():
        told_files = ", ".join(map(str, files.values()))
        raise UserError(f"the split of {told_files} is not the one that the run was trained with; train again")
    hashes = {name: file_sha256(path) for name, path in files.items()}
    for name in trained:
        if (chosen := cfg.data.samples.get(name)) is not None:
            data.files[name] = direct_file(chosen, f"data.samples.{name}", cfg.data.format)
    told, test_parts = {}, {name: data.tested(name) for name in trained}
    for name, path in data.files.items():
        limit, digest = cfg.data.limit_of(name), file_sha256(path)
        if (source := next((known for known, its in hashes.items() if its == digest), None)) is not None:
            told[name] = "the test part of the file that the run was trained on"
            part = test_parts[source]
            data.set_tested(name, part if limit is None else part.rows(np.arange(len(part))[:limit]))
        elif name in trained:
            told[name] = "all entries of another file than the run was trained on"
            data.set_tested(name, data.read_tested(name, path, limit))
        else:
            told[name] = "all entries" if limit is None else f"the first {len(data.tested(name))} entries"
    return data, told


def _with_training_files(
    cfg: RunConfig, run_config: RunConfig, background: str, files: Mapping[str, Path]
) -> RunConfig:
    """Return the config that reads the training files as the run did, and other samples as this evaluation does."""
    names = [*cfg.data.samples, *(bundled_files() if cfg.data.bundled else ())]
    limits = {name: cfg.data.limit_of(name) for name in names}
    return cfg.changed(
        {
            # Their file need not know the entries that are evaluated here.
            "data.targets": None,
            "data.background": background,
            "data.samples": cfg.data.samples | {name: str(path) for name, path in files.items()},
            "data.limit": limits | {name: run_config.data.limit_of(name) for name in files},
        }
    )


def _still_there(given: Given | None, key: str, preset: str | None) -> list[Path]:
    """Return the file that stands for what a user names; none where it is gone."""
    try:
        return [] if given is None else [direct_file(given, key, preset)]
    except UserError:
        return []


def training_file(cfg: RunConfig, facts: Mapping[str, Any], sample: str) -> Path:
    """Return the file of a sample that the run was trained on, wherever it is now, told by its hash."""
    known = facts.get("data", {}).get(sample, {})
    given = cfg.data.samples.get(sample)
    places = [
        *_still_there(given, f"data.samples.{sample}", cfg.data.format),
        *([Path(known["file"])] if "file" in known else []),
        *([bundled_files()[sample]] if sample in bundled_files() else []),
    ]
    for path in places:
        if is_regular_file(path) and file_sha256(path) == known.get("sha256"):
            return path
    told = known.get("file", "its background")
    raise UserError(
        f"the run was trained on {told}, which is no longer there or has changed; its test part and the trivial scores "
        f"need it: say where it is with data.samples.{sample}=FILE"
    )
