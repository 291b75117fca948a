"""The config of an evaluation: that of the run, changed by what the command line says and by nothing else."""

from collections.abc import Sequence
from typing import Final

from hydra.core.override_parser.overrides_parser import OverridesParser

from hepad.config import RunConfig
from hepad.core.errors import UserError

_CHANGEABLE: Final = ("data", "evaluation", "inference", "logger", "trainer")


def given_keys(words: Sequence[str]) -> list[str]:
    """Return the keys, and the groups, that the words of a command line set."""
    parser = OverridesParser.create()
    return [override.key_or_group for override in parser.parse_overrides(list(words))]


def evaluation_config(cfg: RunConfig, run_config: RunConfig, words: Sequence[str]) -> RunConfig:
    """Return the run's config with the values of `cfg` for every key that `words` set.

    Args:
        cfg: `configs/evaluate.yaml`, composed.
        run_config: the config that the run was trained with.
        words: the command line.
    """
    changed = run_config
    for key in given_keys(words):
        if key.split(".")[0] not in _CHANGEABLE:
            continue
        parent = key.rpartition(".")[0]
        if parent and changed.value(parent) is None:
            # The run had none of this, such as a logger: then it is as configured here.
            changed = changed.changed({parent: cfg.value(parent)})
        value = cfg.value(key)
        changed = changed.changed({key: {**changed.data.samples, **value} if key == "data.samples" else value})
    # One process on one device, however many trained it: every entry is scored once.
    alone = {"trainer.devices": 1, "trainer.strategy": "auto", "trainer.num_nodes": 1}
    callbacks = {name: entry.plain() for name, entry in changed.callbacks.items() if name == "progress"}
    return changed.changed({**alone, "callbacks": callbacks})


def check_in_place(words: Sequence[str], name: str | None) -> None:
    """Raise `UserError` where writing over the run's own numbers would make its files contradict each other."""
    for root, what in (("data", "of its own data"), ("inference", "made by its own inference")):
        if any(key.split(".")[0] == root for key in given_keys(words)):
            raise UserError(
                f"in_place=true writes over the run's own numbers, which are {what}; leave {root} out, or in_place"
            )
    if name is not None:
        raise UserError("in_place=true writes into the run's own directory; leave name out")
