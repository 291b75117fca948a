"""Entries made up by a run's model, written as a sample, in memory that does not depend on their number."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
from hepad.formats.parts import Parts
from hepad.run.generated_context import wanted_context
from hepad.run.loading import Run, load_run
from hepad.run.made_up import block_size, check_generative, made_up_blocks
from hepad.rundir.facts import read_provenance
from hepad.scores.forward import scoring_device


def generate_file(
    run_dir: Path,
    target: Path,
    n: int | None,
    seed: int,
    context: Path | Mapping[str, Any] | None = None,
    device: str = "auto",
) -> int:
    """Write `n` entries that a run's model makes up, in the layout that the run was trained on (docs/data_formats.md).

    The same run, `n` and `seed` give the same bytes on one machine, also where the command was killed on the way: its
    blocks lie in a hidden directory beside the file, and the same command goes on from them.

    Args:
        run_dir: the run.
        target: the file to write, in one step; it must not be there.
        n: how many entries; None for one for each row of the context.
        seed: of the random numbers.
        context: the observables that the run is conditioned on, which are written beside the entries: a file, or each
            by name with its value, or with the two ends between which it is drawn.
        device: where to compute; `auto` for a GPU where there is one.

    Returns:
        How many were written.

    Raises:
        UserError: no such run, a model that makes nothing up, a target in the way, or a context that is missing, of no
            use, or of another number of rows.
        JobError: what it makes up is not finite, or the target cannot be written.
    """
    require_new_file(target, "output")
    run = load_run(run_dir)
    model = run.model
    check_generative(model, run_dir)
    generator = torch.Generator().manual_seed(seed)
    check_targets(run.settings.data)
    kind = str(get_class(run.settings.data.target).kind)
    given = wanted_context(run, kind, context, n, generator)
    n = len(given) if given is not None else 10_000 if n is None else n
    definition = read_provenance(run_dir).get("entries", {}).get("definition", {})
    # The name that the run's config asks for, where it does; else the one that it found.
    dataset = run.settings.data.get("dataset") or definition.get("dataset")
    where = scoring_device(device)
    model.to(where)
    features = _features(run)
    asked = {
        "checkpoint_sha256": run.checkpoint_sha256,
        "n": n,
        "seed": seed,
        "context": None if given is None else hashlib.sha256(given.tobytes()).hexdigest(),
        "device": str(where),
        "versions": [__version__, torch.__version__],
    }
    parts: Parts | None = None
    try:
        parts = Parts(target, asked)
        blocks = made_up_blocks(model, n, given, generator, parts)
        done = min(parts.found * block_size(model), n)
        with write_hdf5(parts.whole, named=target) as file, progress("generate", n, done, unit="entries") as advance:
            entries = EntryFile(file, kind, n, features, dataset)
            for i, made in enumerate(blocks):
                entries.add(made)
                if i >= parts.found:
                    advance(len(made.x))
            if given is not None:
                for name, values in zip(run.context_names, given.T, strict=True):
                    file.create_dataset(name, data=values, track_times=False)
            file.attrs["sample"] = target.stem
            file.attrs["source"] = f"hepad generate: {type(model).__name__}"
            file.attrs["run"] = run_dir.resolve().name
            file.attrs["checkpoint_sha256"] = run.checkpoint_sha256
            file.attrs["seed"] = seed
            file.attrs["hepad_version"] = __version__
        parts.whole.replace(target)
    except (UserError, JobError, OSError) as error:
        if parts is not None:
            parts.remove()
        if isinstance(error, OSError):
            raise JobError(f"cannot write {target}: {error.strerror or error}; nothing is left of it") from error
        raise
    parts.remove()
    return n


def _features(run: Run) -> tuple[str, ...] | None:
    """Return the names of the columns of a run's entries; None where entries are images or volumes."""
    shape = run.entry_shape
    if len(shape) > 2:
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
