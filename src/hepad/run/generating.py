"""Entries made up by a run's model, written as a sample, in memory that does not depend on their number."""

import math
from pathlib import Path
from typing import Final

import numpy as np
import torch

from hepad import __version__
from hepad.config.registry import check_targets, get_class
from hepad.core.errors import JobError, UserError
from hepad.core.files import require_new_file
from hepad.core.hdf5 import write_hdf5
from hepad.core.hdf5.datasets import LONGEST_NAME
from hepad.core.progress import progress
from hepad.core.schema import JET_FEATURES
from hepad.data.entry_file import EntryFile
from hepad.models import Generative
from hepad.run.loading import Run, load_run
from hepad.rundir.facts import read_provenance

_BLOCK: Final = 4096
_NUMBERS: Final = 1 << 23
"""Of all entries of a block; a convolution makes some ten times as many of them."""


def generate_file(run_dir: Path, target: Path, n: int, seed: int) -> None:
    """Write `n` entries that a run's model makes up, in the layout that the run was trained on (docs/data_formats.md).

    The same run, `n` and `seed` give the same bytes on one machine.

    Args:
        run_dir: the run.
        target: the file to write, in one step; it must not be there.
        n: how many entries.
        seed: of the random numbers.

    Raises:
        UserError: no such run, a model that makes nothing up, or a target in the way.
        JobError: what it makes up is not finite, or the target cannot be written.
    """
    require_new_file(target, "output")
    run = load_run(run_dir)
    model = run.model
    if not isinstance(model, Generative):
        raise UserError(
            f"{run_dir} cannot generate: {type(model).__name__} makes no entries up; runs of models such as gan, bigan "
            "and vae can"
        )
    if run.context_names:
        raise UserError(
            f"{run_dir} is conditioned on {', '.join(run.context_names)}, which hepad.generate does not make up; "
            "load_run(DIR).model.sample(context, generator) makes one entry for each row of a context"
        )
    check_targets(run.settings.data)
    kind = str(get_class(run.settings.data.target).kind)
    definition = read_provenance(run_dir).get("entries", {}).get("definition", {})
    # The name that the run's config asks for, where it does; else the one that it found.
    dataset = run.settings.data.get("dataset") or definition.get("dataset")
    generator = torch.Generator().manual_seed(seed)
    size = _block_length(run.entry_shape)
    with write_hdf5(target) as file, progress("generate", n, unit="entries") as advance:
        entries = EntryFile(file, kind, n, _features(run), dataset)
        for start in range(0, n, size):
            made = model.sample(min(size, n - start), generator)
            finite = torch.isfinite(made.x).flatten(1).all(dim=1).numpy()
            if not finite.all():
                raise JobError(
                    f"entry {start + int(np.argmin(finite))} that {type(model).__name__} makes up holds NaN or inf: "
                    "its training diverged, or model.normalizer=log blows up what lies far from the training entries"
                )
            entries.add(made)
            advance(len(made.x))
        file.attrs["sample"] = target.stem
        file.attrs["source"] = f"hepad generate: {type(model).__name__}"
        file.attrs["run"] = run_dir.resolve().name
        file.attrs["checkpoint_sha256"] = run.checkpoint_sha256
        file.attrs["seed"] = seed
        file.attrs["hepad_version"] = __version__


def _block_length(entry_shape: tuple[int, ...]) -> int:
    """Return how many entries are made up at once, fewer of large ones; the random numbers of each depend on it."""
    return max(1, min(_BLOCK, _NUMBERS // math.prod(entry_shape)))


def _features(run: Run) -> tuple[str, ...] | None:
    """Return the names of the columns of a run's entries; None where entries are images."""
    shape = run.entry_shape
    if len(shape) == 3:
        return None
    names = run.features or (JET_FEATURES if shape[-1] == len(JET_FEATURES) else ())
    if len(names) != shape[-1]:
        raise UserError(
            f"{run.directory}: provenance.json names {len(names)} features for entries of {shape[-1]}; it is damaged, "
            "or of an older hepad"
        )
    for name in names:
        if names.count(name) > 1 or not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
            raise UserError(
                f"{run.directory}: provenance.json names a feature {name[:80]!r}, which is there twice or cannot name "
                "a column; it is damaged"
            )
    return names
