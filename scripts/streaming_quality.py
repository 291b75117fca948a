"""Quality of streamed training: AUC and validation loss of streamed runs beside those of the same runs in memory.

    python -m scripts.streaming_quality [--seeds 3] [--epochs 30] [--memory 4MB]

The default autoencoder on the bundled jets, as the file has them and with its events sorted by Σ pT, the worst order
for a training that reads blocks of rows. All runs of a file are validated, and tested, on the same entries. The loss
`val/loss` is in units of each run's own normaliser, which a streamed run fits to a draw of the training entries, and
`val MSE` in those of the spread of all of them. A third training has the normaliser of all entries: its order alone is
another. Prints a table.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import torch

from hepad.bundled import bundled_files
from hepad.config import RunConfig, compose
from hepad.core.float32 import exact_float32
from hepad.core.schema import JET_DATASET, JET_FEATURES
from hepad.data import AnomalyDataModule
from hepad.metrics.roc import auc
from hepad.models import AnomalyModel
from hepad.run.building import assemble, build_data
from hepad.run.executing import fit
from hepad.run.workers import use_threads

SIGNALS = ("jet_ht", "ttbar", "radion", "wprime")
BATCH = 16384


def main() -> None:
    """Train all runs and print a table of means over seeds, and of differences with their standard error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--memory", default="4MB")
    options = parser.parse_args()
    print(f"| file | what | in memory | streamed, {options.memory} | difference | with all statistics | difference |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="hepad-streaming-") as directory:
        for name, source in files(Path(directory)):
            data = build_data(config(source, Path(directory) / "tested", "data.memory=1TB"))
            ways: list[list[dict[str, float]]] = [[], [], []]
            for seed in range(options.seeds):
                for i, memory in enumerate(("1TB", options.memory, options.memory)):
                    run_dir = Path(directory) / f"{source.stem}_{seed}_{i}"
                    words = [f"seed={seed}", f"data.memory={memory}", f"trainer.max_epochs={options.epochs}"]
                    ways[i].append(trained(config(source, run_dir, *words, *alone(memory)), run_dir, data, i == 2))
            for what in ways[0][0]:
                first, *others = (np.array([found[what] for found in way]) for way in ways)
                cells = [f"{other.mean():.4f} | {_shift(other - first)}" for other in others]
                print(f"| {name} | {what} | {first.mean():.4f} | {' | '.join(cells)} |", flush=True)


def _shift(shift: np.ndarray) -> str:
    error = shift.std(ddof=1) / len(shift) ** 0.5 if len(shift) > 1 else float("nan")
    return f"{shift.mean():+.4f} ± {error:.4f}"


def alone(memory: str) -> list[str]:
    """Return words that leave out all samples that are not trained on, so that the budget is small beside the rest."""
    return [] if memory == "1TB" else [f"data.samples.{name}=null" for name in (*SIGNALS, "soft_qcd")]


def files(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield a name and a file: the bundled background, and the same with its events in the order of Σ pT."""
    source = bundled_files()["zero_bias"]
    yield "as it is", source
    with h5py.File(source) as file:
        jets = file[JET_DATASET][()]
    order = np.argsort(jets[..., list(JET_FEATURES).index("pt")].sum(axis=1), kind="stable")
    target = directory / "sorted.h5"
    with h5py.File(target, "w") as file:
        file.create_dataset(JET_DATASET, data=jets[order], chunks=(256, *jets.shape[1:]), compression="gzip")
        file[JET_DATASET].attrs["features"] = list(JET_FEATURES)
    yield "sorted by Σ pT", target


def config(source: Path, run_dir: Path, *words: str) -> RunConfig:
    """Return the config of a run on a background."""
    settings = ["model=dense_ae", f"data.samples.zero_bias={source}", "logger=none", "callbacks.progress=null"]
    # With a key that is not there yet in the mapping of samples.
    settings = [word.replace("data.samples.", "+data.samples.") for word in (*settings, *words)]
    return RunConfig.of(compose("train", [*settings, "callbacks.early_stopping=null", f"paths.run={run_dir}"]))


def trained(cfg: RunConfig, run_dir: Path, data: AnomalyDataModule, all_statistics: bool) -> dict[str, float]:
    """Return the best validation loss of a run, and the AUCs of that epoch on the test entries of `data`.

    With `all_statistics` the normaliser is fitted to all training entries, so that the order alone is another.
    """
    run_dir.mkdir()
    parts = assemble(cfg, run_dir)
    if all_statistics:
        parts.model.prepare(data.train_entries.batch)
    with exact_float32(), use_threads(1):
        fit(parts, None)
        best = parts.trainer.checkpoint_callback
        state = torch.load(best.best_model_path, weights_only=True)["state_dict"]  # type: ignore[union-attr]
        parts.model.load_state_dict(state)
        scores = {name: scored(parts.model, data, name) for name in ("zero_bias", *SIGNALS)}
        x, scale = data.val_entries.batch.x, data.train_entries.batch.x.std(dim=0)
        with torch.inference_mode():
            error = ((parts.model.reconstruct_raw(data.val_entries.batch) - x) / scale).square().mean()
    aucs = {f"AUC {name}": auc(scores["zero_bias"], scores[name]) for name in SIGNALS}
    return {"val/loss": float(best.best_model_score), "val MSE": float(error), **aucs}  # type: ignore[union-attr, arg-type]


def scored(model: AnomalyModel, data: AnomalyDataModule, name: str) -> np.ndarray:
    """Return the scores of the tested entries of a sample."""
    x = data.test_entries[name].batch
    with torch.inference_mode():
        parts = [model.anomaly_score(x._replace(x=rows)) for rows in x.x.split(BATCH)]
    return torch.cat(parts).double().numpy()


if __name__ == "__main__":
    main()
