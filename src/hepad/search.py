"""`python -m hepad.search method=cathode`: a resonant search, from samples to p-values, as a pipeline of ordinary runs."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.cli.command import GuardedJob
from hepad.config import RunConfig
from hepad.core.late_import import importing
from hepad.logging.early_import import import_wandb_first
from hepad.train import job as train_job

_NOT_THE_SEARCH: Final = ("name", "resume", "unblind", "cuts", "toys", "limits", "background", "systematic", "logger", "hydra")
"""Keys that change no training, or only what is made of scores: with other values of them the stages serve again."""


def job(cfg: DictConfig) -> None:
    """Do what is left of one search, and print what it found."""
    # Imported here, so that --help does not wait for torch.
    with importing():
        import_wandb_first(cfg.logger or {})
        from hepad.searches.running import resumed_config, run_search

    config = RunConfig.of(cfg) if cfg.resume is None else resumed_config(Path(cfg.resume).expanduser())
    run_search(config, GuardedJob(train_job, "train"))


def named(words: Sequence[str]) -> list[str]:
    """Return the words with a name of the search's directory, where they give none: the same words find it again.

    >>> from hepad.search import named
    >>> named(["method=[cwola,cathode]", "seed=7"])[-1]
    'name=cwola-cathode_5160d1e5'
    """
    words = _methods_as_lists(words)
    keys = {word.lstrip("+~").partition("=")[0]: word for word in words}
    if "name" in keys or "resume" in keys or any(word.startswith("-") for word in words):
        return words
    counted = sorted(word for word in words if re.split(r"[./=]", word.lstrip("+~"))[0] not in _NOT_THE_SEARCH)
    methods = re.sub(r"[^A-Za-z0-9_]+", "-", keys.get("method", "method=cathode").partition("=")[2]).strip("-")
    digest = hashlib.sha256("\n".join(counted).encode()).hexdigest()[:8]
    return [*words, f"name={methods[:40] or 'search'}_{digest}"]


def _methods_as_lists(words: Sequence[str]) -> list[str]:
    """Return words in which `method=a,b` is the list that Hydra wants."""
    return [
        f"method=[{word.partition('=')[2]}]" if word.startswith("method=") and not word.startswith("method=[") else word
        for word in words
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "search", argv, prepare=named, gather=_methods_as_lists)


if __name__ == "__main__":
    main()
