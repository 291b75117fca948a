"""The entries to evaluate a run on: never one that it was trained on, unless it is asked to show exactly that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf, open_dict

from hepad.bundled import bundled_files
from hepad.core.errors import UserError
from hepad.core.input_files import file_sha256, is_regular_file
from hepad.data import AnomalyDataModule
from hepad.run.building import build_data


def evaluation_data(
    cfg: DictConfig, run_config: DictConfig, facts: Mapping[str, Any]
) -> tuple[AnomalyDataModule, dict[str, str]]:
    """Read the samples of an evaluation.

    The file that the run was trained on is always read too: what a trivial score calls usual comes from its training
    part. A sample from that very file, told by its hash, is tested on the same test part of the same split; any other
    file is tested on all of its entries.

    Args:
        cfg: the config of the evaluation.
        run_config: the config that the run was trained with.
        facts: the run's provenance.

    Returns:
        The datamodule, and for each sample in words which of its entries are tested.

    Raises:
        UserError: a file that is missing or cannot be used, or the file that the run was trained on is gone.
    """
    background = str(run_config.data.background)
    if background in cfg.data.samples and cfg.data.samples[background] is None:
        raise UserError(f"data.samples.{background}=null: the background of the run cannot be left out")
    trained_on = training_file(cfg, facts, background)
    data = build_data(_with_training_file(cfg, run_config, background, trained_on))
    if facts.get("split_sha256", data.split_hashes()) != data.split_hashes():
        raise UserError(f"the split of {trained_on} is not the one that the run was trained with; train again")
    test_part, training_hash = data.test_entries[background], file_sha256(trained_on)
    chosen = cfg.data.samples.get(background)
    if chosen is not None:
        data.files[background] = Path(chosen).expanduser()
    told = {}
    for name, path in data.files.items():
        limit = _limit(cfg.data.limit, name)
        if file_sha256(path) == training_hash:
            told[name] = "the test part of the file that the run was trained on"
            data.test_entries[name] = test_part if limit is None else test_part.rows(np.arange(len(test_part))[:limit])
        elif name == background:
            told[name] = "all entries of another file than the run was trained on"
            data.test_entries[name] = data.read_sample(name, path, limit)
        else:
            told[name] = "all entries" if limit is None else f"the first {len(data.test_entries[name])} entries"
    return data, told


def _with_training_file(cfg: DictConfig, run_config: DictConfig, background: str, path: Path) -> DictConfig:
    """Return the config that reads the training file as the run did, and every other sample as this evaluation does."""
    config = OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))
    assert isinstance(config, DictConfig)
    names = [*config.data.samples, *(bundled_files() if config.data.bundled else ())]
    with open_dict(config):
        # Their file need not know the entries that are evaluated here.
        config.data.targets = None
        config.data.background = background
        config.data.samples[background] = str(path)
        config.data.limit = {name: _limit(cfg.data.limit, name) for name in names}
        config.data.limit[background] = _limit(run_config.data.limit, background)
    return config


def training_file(cfg: DictConfig, facts: Mapping[str, Any], background: str) -> Path:
    """Return the file that the run was trained on, wherever it is now, told by its hash."""
    known = facts.get("data", {}).get(background, {})
    given = cfg.data.samples.get(background)
    places = [
        *([Path(given).expanduser()] if given else []),
        *([Path(known["file"])] if "file" in known else []),
        *([bundled_files()[background]] if background in bundled_files() else []),
    ]
    for path in places:
        if is_regular_file(path) and file_sha256(path) == known.get("sha256"):
            return path
    told = known.get("file", "its background")
    raise UserError(
        f"the run was trained on {told}, which is no longer there or has changed; its test part and the trivial scores "
        f"need it: say where it is with data.samples.{background}=FILE"
    )


def _limit(limit: Any, sample: str) -> int | None:
    found = limit.get(sample) if isinstance(limit, Mapping | DictConfig) else limit
    return None if found is None else int(found)
