"""The config of an evaluation: that of the run, changed by what the command line says and by nothing else."""

from collections.abc import Sequence
from typing import Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from hepad.core.errors import UserError

_CHANGEABLE: Final = ("data", "evaluation", "inference", "logger", "trainer")


def given_keys(words: Sequence[str]) -> list[str]:
    """Return the keys, and the groups, that the words of a command line set."""
    parser = OverridesParser.create()
    return [override.key_or_group for override in parser.parse_overrides(list(words))]


def evaluation_config(cfg: DictConfig, run_config: DictConfig, words: Sequence[str]) -> DictConfig:
    """Return the run's config with the values of `cfg` for every key that `words` set.

    Args:
        cfg: `configs/evaluate.yaml`, composed.
        run_config: the config that the run was trained with.
        words: the command line.
    """
    changed = OmegaConf.create(OmegaConf.to_container(run_config, resolve=True))
    assert isinstance(changed, DictConfig)
    given = [key for key in given_keys(words) if key.split(".")[0] in _CHANGEABLE]
    with open_dict(changed):
        for key in given:
            parent = key.rpartition(".")[0]
            if parent and OmegaConf.select(changed, parent) is None:
                # The run had none of this, such as a logger: then it is as configured here.
                OmegaConf.update(changed, parent, _plain(cfg, parent), force_add=True)
            OmegaConf.update(changed, key, _plain(cfg, key), merge=key == "data.samples", force_add=True)
        # One process on one device, however many trained it: every entry is scored once.
        changed.trainer.devices, changed.trainer.strategy, changed.trainer.num_nodes = 1, "auto", 1
        progress = changed.callbacks.get("progress")
        changed.callbacks = {"progress": progress} if progress else {}
    return changed


def check_in_place(words: Sequence[str], name: str | None) -> None:
    """Raise `UserError` where writing over the run's own numbers would make its files contradict each other."""
    for root, what in (("data", "of its own data"), ("inference", "made by its own inference")):
        if any(key.split(".")[0] == root for key in given_keys(words)):
            raise UserError(
                f"in_place=true writes over the run's own numbers, which are {what}; leave {root} out, or in_place"
            )
    if name is not None:
        raise UserError("in_place=true writes into the run's own directory; leave name out")


def _plain(cfg: DictConfig, key: str) -> Any:
    value = OmegaConf.select(cfg, key)
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
