"""A finished run made small enough to ship: weights without a training's state, facts without a machine's paths."""

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import torch
from PIL import Image
from scripts.pretrained.shipped import Shipped

from hepad.config import RunConfig
from hepad.core.files import atomic_write_bytes, atomic_write_text, file_sha256
from hepad.core.hdf5 import write_hdf5
from hepad.metrics import MIN_ENTRIES
from hepad.metrics.rates import named_fpr
from hepad.run.evaluation_data import evaluation_data
from hepad.run.pretrained import REFERENCE
from hepad.run.thresholds import choose_threshold
from hepad.rundir.config_file import moved_paths, read_checked_config
from hepad.rundir.facts import read_provenance
from hepad.rundir.pretrained import directory_name

KEPT_PARTS: Final = (
    "epoch",
    "global_step",
    "pytorch-lightning_version",
    "state_dict",
    "hparams_name",
    "hyper_parameters",
)
"""Parts of a checkpoint that make the model again; optimisers, schedulers, loops and callbacks are left out."""

REFERENCE_ENTRIES: Final = 50
FPRS: Final = (1e-2, 1e-3)


def pack(run_dir: Path, target: Path, shipped: Shipped) -> None:
    """Write the folder of a scorer that ships.

    Args:
        run_dir: of the finished run.
        target: the folder; what is in it goes.
        shipped: the scorer.
    """
    shutil.rmtree(target, ignore_errors=True)
    place = f"hepad-models/{directory_name(shipped.name)}"
    pack_run(run_dir, target, place)
    if (run_dir / "teacher" / "config.yaml").is_file():
        pack_run(run_dir / "teacher", target / "teacher", f"{place}/teacher")
    write_reference(run_dir, target)
    background = read_provenance(target)["background"]
    small_picture(run_dir / "plots" / f"roc_vs_{background}.png", target / "plots")
    for fpr in FPRS:
        # Of fewer than ten entries beyond it no threshold is made.
        if fpr * read_provenance(target)["validated"] >= MIN_ENTRIES:
            with contextlib.redirect_stdout(io.StringIO()):
                choose_threshold(target, *named_fpr(fpr=fpr), device="cpu")


def pack_run(run_dir: Path, target: Path, place: str) -> None:
    """Write weights, config, facts and numbers of one run, `place` standing for its directory."""
    (target / "checkpoints").mkdir(parents=True)
    here = str(run_dir.resolve())
    config = moved_paths(read_checked_config(run_dir), here, place)
    atomic_write_text(target / "config.yaml", RunConfig.of(config).yaml())
    checkpoint = run_dir / "checkpoints" / "best.ckpt"
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    stripped = io.BytesIO()
    torch.save({part: content[part] for part in KEPT_PARTS if part in content}, stripped)
    atomic_write_bytes(target / "checkpoints" / "best.ckpt", stripped.getvalue())
    facts = without_places(read_provenance(run_dir), here, place)
    facts["pretrained"] = {
        "left_out": sorted(set(content) - set(KEPT_PARTS)),
        "trained_checkpoint_sha256": file_sha256(checkpoint),
    }
    write_json(target / "provenance.json", facts)
    for name in ("metrics.json", "history.csv"):
        if (run_dir / name).is_file():
            shutil.copyfile(run_dir / name, target / name)


def without_places(facts: dict[str, Any], here: str, place: str) -> dict[str, Any]:
    """Return a provenance without names of machines and directories; files are known by their hashes."""
    kept: dict[str, Any] = moved_paths({key: value for key, value in facts.items() if key != "host"}, here, place)
    kept["data"] = {sample: known | {"file": Path(known["file"]).name} for sample, known in kept["data"].items()}
    return kept


def write_reference(run_dir: Path, target: Path) -> None:
    """Write a few tested entries with the scores that the run gave them, half of them background."""
    config, facts = RunConfig.of(read_checked_config(run_dir)), read_provenance(run_dir)
    data, _ = evaluation_data(config, config, facts)
    signals = [sample for sample in data.test_entries if sample != data.background]
    counts = {data.background: REFERENCE_ENTRIES // 2}
    for number, sample in enumerate(signals):
        left = REFERENCE_ENTRIES - sum(counts.values())
        counts[sample] = left // (len(signals) - number)
    columns: dict[str, list[np.ndarray]] = {}
    with h5py.File(run_dir / "scores.h5") as scores:
        for number, (sample, count) in enumerate(counts.items()):
            entries = data.test_entries[sample]
            rows = np.linspace(0, len(entries) - 1, count).astype(np.int64)
            some = entries.rows(rows)
            assert np.array_equal(scores[f"{sample}/index"][:][rows], some.index), "scores of other entries"
            found = {
                "entries": some.batch.x.numpy(),
                "mask": None if some.batch.mask is None else some.batch.mask.numpy(),
                "score": scores[f"{sample}/score"][:][rows],
                "sample": np.full(count, number, dtype=np.uint8),
                "index": some.index,
                "slot": some.slot,
            }
            for name, values in found.items():
                if values is not None:
                    columns.setdefault(name, []).append(values)
    with write_hdf5(target / REFERENCE) as file:
        for name, parts in columns.items():
            file.create_dataset(name, data=np.concatenate(parts), compression="gzip", compression_opts=9, shuffle=True)
        file.attrs["samples"] = list(counts)


def small_picture(source: Path, target: Path) -> None:
    """Keep a picture with a palette, a third of its bytes."""
    target.mkdir()
    few = Image.open(source).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(target / source.name, optimize=True)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write plain values."""
    atomic_write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
