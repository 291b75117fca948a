"""Searches with several amounts of signal and several seeds, one after the other, and their comparison."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hydra.types import TaskFunction

from hepad.config import RunConfig
from hepad.core.errors import JobError, UserError
from hepad.pipeline.training_commands import begin_or_go_on
from hepad.rundir.config_file import CONFIG
from hepad.rundir.parsing import read_yaml
from hepad.searches.comparing import compare_searches
from hepad.searches.comparison_page import print_search_comparison, write_search_comparison
from hepad.searches.planning import plan_search
from hepad.searches.record_file import is_search
from hepad.searches.running import run_search

_BYTES: Final = 1 << 20


def planned_searches(cfg: RunConfig) -> list[RunConfig]:
    """Return the config of each search that `injection.fractions` and `injection.seeds` ask for; one where none does.

    Seeds run fastest, so that the first amount of signal is complete first.

    Raises:
        UserError: an amount of signal is given as well, or one twice.

    >>> from hepad.config import RunConfig, compose
    >>> from hepad.searches.injection_sweep import planned_searches
    >>> words = ["name=x", "seed=7", "injection.fractions=[0,0.02]", "injection.seeds=2"]
    >>> found = planned_searches(RunConfig.of(compose("search", words)))
    >>> [(search.value("injection.fraction"), search.seed, Path(search.run_dir).name) for search in found]
    [(0, 7, 'seed_7'), (0, 8, 'seed_8'), (0.02, 7, 'seed_7'), (0.02, 8, 'seed_8')]
    """
    fractions, seeds = cfg.value("injection.fractions") or [], int(cfg.value("injection.seeds") or 1)
    if not fractions and seeds == 1:
        return [cfg]
    if fractions and (key := next((k for k in ("events", "fraction") if cfg.value(f"injection.{k}") is not None), "")):
        raise UserError(f"injection.fractions and injection.{key} both say how much; leave one out")
    if len(set(fractions)) < len(fractions):
        raise UserError(f"injection.fractions=[{','.join(f'{f:g}' for f in fractions)}] names one twice")
    found = []
    for fraction in fractions or [None]:
        for seed in range(cfg.seed, cfg.seed + seeds):
            place = Path(cfg.run_dir) / (f"fraction_{fraction:g}" if fractions else "seeds") / f"seed_{seed}"
            changes: dict[str, Any] = {"injection.fractions": [], "injection.seeds": 1, "seed": seed}
            if fractions:
                changes["injection.fraction"] = fraction
            found.append(cfg.changed({**changes, "paths.run": str(place.absolute()), "resume": None}))
    return found


def run_searches(cfg: RunConfig, task: TaskFunction | None = None) -> None:
    """Do one search, or what is left of several and then their comparison.

    Args:
        cfg: of the command.
        task: as in `hepad.searches.running.run_search`.

    Raises:
        UserError: something is wrong with settings or samples; nothing was written.
        JobError: some searches failed; the others are done, and what there is is compared.
    """
    searches = planned_searches(cfg)
    if len(searches) == 1:
        run_search(searches[0] if searches[0] is cfg else cfg.changed(_alone(searches[0])), task)
        return
    for search in searches[:: max(1, int(cfg.value("injection.seeds")))]:
        # Whatever is wrong with an amount of signal is found before the first search.
        plan_search(search, Path(search.run_dir), begin_or_go_on)
    failed = []
    for number, search in enumerate(searches):
        directory = Path(search.run_dir)
        print(f"search {number + 1} of {len(searches)}: {directory}", flush=True)
        if _is_done(search, directory):
            continue
        directory.mkdir(parents=True, exist_ok=True)
        try:
            run_search(search, task)
        except JobError as error:
            print(f"failed: {error}", flush=True)
            failed.append(directory)
    _compare([Path(search.run_dir) for search in searches if Path(search.run_dir) not in failed], Path(cfg.run_dir))
    if failed:
        raise JobError(f"{len(failed)} of {len(searches)} searches failed, first {failed[0]}; the same command goes on")


def _alone(search: RunConfig) -> dict[str, Any]:
    """Return what makes of the command's config that of its only search, which lies where the command says."""
    return {key: search.value(key) for key in ("injection.fractions", "injection.fraction", "injection.seeds")}


def _is_done(search: RunConfig, directory: Path) -> bool:
    """Return whether a search with this config has its record; another one is done, or gone on with, anew."""
    return is_search(directory) and read_yaml(directory / CONFIG, _BYTES) == search.plain()


def _compare(searches: Sequence[Path], directory: Path) -> None:
    if len(searches) > 1:
        comparison = compare_searches(searches)
        print_search_comparison(comparison, write_search_comparison(comparison, directory))
