"""Scores of every sample, and the numbers that follow from them."""

import io
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray

from hepad.callbacks.diagnostics import N_ENTRIES, diagnostic_metrics, transformed_scores
from hepad.callbacks.top_entries import TopEntries, top_entries
from hepad.core.diagnostics import Diagnostic, PartialScores, Remark
from hepad.core.errors import JobError, UserError
from hepad.core.files import atomic_write_bytes, atomic_write_text
from hepad.core.gathering import gather_interleaved
from hepad.core.hdf5 import create_hdf5
from hepad.data import AnomalyDataModule
from hepad.inference.search_callback import LatentSearchInference
from hepad.metrics import Evaluation, ScoredSample, evaluate
from hepad.metrics.agreement import auc_loss_warnings
from hepad.metrics.placements import weighted_mean
from hepad.models import AnomalyModel

DEFAULT_REFERENCES: Final = ("zero_bias", "jet_ht", "soft_qcd")
_LARGEST: Final = float(np.finfo(np.float32).max)


class Evaluate(Callback):
    """Collect the scores that `test_step` returns; write scores.h5 and metrics.json.

    After `trainer.test` the findings are in `samples` (name → `ScoredSample`), `result`, `diagnostics` (what the model
    has to show beside its scores) and `top` (the most anomalous entries of all samples); `seconds` is the wall time
    that the scores alone took.

    Args:
        run_dir: where the files go.
        references: samples on the background side of the ROC curves; None for the training background and those
            of `DEFAULT_REFERENCES` that are there.
        fprs: false-positive rates at which efficiencies are given.
        inference: makes the scores in place of `test_step`; it must stand before this callback.
        sculpted: observables of the background whose spectrum is looked at above cuts.
        symmetry_entries: entries of each sample whose scores under every symmetry are compared; 0 for none.
    """

    def __init__(
        self,
        run_dir: str | Path,
        references: Sequence[str] | None,
        fprs: Sequence[float],
        inference: LatentSearchInference | None = None,
        symmetry_entries: int = N_ENTRIES,
        sculpted: Sequence[str] = (),
    ) -> None:
        self.run_dir = Path(run_dir)
        self.references = references
        self.fprs = fprs
        self.inference = inference
        self.symmetry_entries = symmetry_entries
        self.sculpted = sculpted
        self.samples: dict[str, ScoredSample] = {}
        self.diagnostics: list[Diagnostic] = []
        self.top: TopEntries | None = None
        self.seconds = 0.0
        self._since = 0.0
        self._result: Evaluation | None = None
        self._batches: dict[tuple[str, int], list[torch.Tensor]] = defaultdict(list)
        self._outputs: dict[tuple[str, int], torch.Tensor] = {}

    @property
    def result(self) -> Evaluation:
        """Evaluation of the test; only after `trainer.test`."""
        if self._result is None:
            raise RuntimeError("nothing was tested yet")
        return self._result

    def on_test_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget an earlier test."""
        self._batches.clear()
        self._since = time.perf_counter()

    def on_test_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the scores (and losses, where the model has any) of one batch, where they are: fetching them waits."""
        for name, values in outputs.items():
            self._batches[name, dataloader_idx].append(values.detach())

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Evaluate all scores at once and write them; where several processes tested, the first does it for all."""
        data: AnomalyDataModule = trainer.datamodule  # type: ignore[attr-defined]
        outputs = {key: torch.cat(parts).cpu() for key, parts in self._batches.items()}
        self.seconds = time.perf_counter() - self._since
        self._outputs = gather_interleaved(outputs) if trainer.world_size > 1 else outputs
        if not trainer.is_global_zero:
            return
        for (output, i), found in self._outputs.items():
            check_finite(found.numpy(), output.replace("part/", "part "), data, data.test_samples[i])
        forward = self._collected("score", data.test_samples)
        scores = forward if self.inference is None else self.inference.scores
        for name, values in scores.items():
            check_finite(values, "score", data, name)
        self.samples = scored_samples(data, scores)
        references = resolve_references(self.references, data.background, data.test_samples)
        losses = self._collected("loss", data.test_samples)
        # Of a search too: it looks for the closest entry that the model can make.
        reconstructs = self.inference is not None or (
            data.background in losses and np.array_equal(losses[data.background], forward[data.background])
        )
        self._result = evaluate(self.samples, data.background, references, self.fprs, reconstructs, self.sculpted)
        parts = self._parts(data.test_samples)
        beside = self._beside_scores(forward, parts)
        if isinstance(pl_module, AnomalyModel):
            explain = None if self.inference is None else partial(self.inference.explain, data)
            self.top = top_entries(pl_module, data, self.samples, explain=explain)
            for name, columns in self.top.columns().items():
                beside[name] |= columns
        write_scores(self.run_dir / "scores.h5", data, scores, beside)
        for name, values in losses.items():
            weight = self.samples[name].weight
            mean = values.mean(dtype=np.float64) if weight is None else weighted_mean(values.astype(np.float64), weight)
            self._result.metrics[f"test/loss/{name}"] = float(mean)
        if isinstance(pl_module, AnomalyModel):
            batches = {name: entries.batch for name, entries in data.test_entries.items()}
            tensors = {name: torch.from_numpy(values) for name, values in scores.items()}
            self.diagnostics = [Remark(text) for text in pl_module.remarks()]
            self.diagnostics += pl_module.diagnostics(batches, tensors, data.background)
            if parts:
                self.diagnostics.append(PartialScores(parts))
            if self.inference is None:
                self.diagnostics += transformed_scores(pl_module, data, self.symmetry_entries)
            else:
                self.diagnostics += self.inference.diagnostics(forward)
            self._result.metrics |= diagnostic_metrics(
                self.diagnostics, data.background, references, {name: s.weight for name, s in self.samples.items()}
            )
            self._result.warnings[:0] = auc_loss_warnings(self._result.metrics, data.background)
            self._result.warnings += [
                diagnostic.text for diagnostic in self.diagnostics if isinstance(diagnostic, Remark)
            ]
        write_metrics(self.run_dir, self._result)

    def _parts(self, samples: Sequence[str]) -> dict[str, dict[str, torch.Tensor]]:
        """Return part of the score → sample → `(N,)`."""
        names = dict.fromkeys(output for output, _ in self._outputs if output.startswith("part/"))
        return {
            name.removeprefix("part/"): {
                sample: torch.from_numpy(values) for sample, values in self._collected(name, samples).items()
            }
            for name in names
        }

    def _beside_scores(
        self, forward: Mapping[str, NDArray[np.floating]], parts: Mapping[str, Mapping[str, torch.Tensor]]
    ) -> dict[str, dict[str, NDArray[Any]]]:
        """Return sample → name → what scores.h5 keeps beside the scores."""
        more: dict[str, dict[str, NDArray[Any]]] = {name: {} for name in forward}
        for part, of_samples in parts.items():
            for name, values in of_samples.items():
                more[name][f"part_{part}"] = values.numpy().astype("<f4")
        for name, sample in self.samples.items():
            for score, trivial in sample.baselines.items():
                # The square of 1e25 is beyond float32: there it becomes the largest, and still no hole.
                held = np.where(np.isfinite(trivial), np.clip(trivial, -_LARGEST, _LARGEST), trivial)
                more[name][f"trivial_{score}"] = held.astype("<f4")
        if self.inference is not None:
            for name, found in self.inference.per_restart().items():
                more[name] |= {"forward_score": forward[name].astype("<f4"), **found}
        return more

    def _collected(self, output: str, samples: Sequence[str]) -> dict[str, NDArray[np.floating]]:
        """Return one output of `test_step` for all entries of each sample; empty where the model has none."""
        return {
            name: self._outputs[output, i].numpy() for i, name in enumerate(samples) if (output, i) in self._outputs
        }


def resolve_references(references: Sequence[str] | None, background: str, samples: Sequence[str]) -> list[str]:
    """Return the references to use; raise `UserError` for one that is not a sample."""
    if references is None:
        return list(dict.fromkeys([background, *(name for name in DEFAULT_REFERENCES if name in samples)]))
    if unknown := [name for name in references if name not in samples]:
        raise UserError(
            f"evaluation.references: {', '.join(unknown)} is not among the samples; allowed: {', '.join(samples)}"
        )
    return list(references)


def check_finite(values: NDArray[np.floating], what: str, data: AnomalyDataModule, sample: str) -> None:
    """Raise `JobError` where one of `(N,)` values of a sample's test entries is NaN or infinite, and say which."""
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    entries = data.test_entries[sample]
    first = int(bad.argmax())
    entry = entries.batch.x[first]
    raise JobError(
        f"the {what} of {int(bad.sum())} of {len(values)} entries of {sample} is NaN or infinite, first that of row "
        f"{entries.index[first]} of {data.file_of(sample)}, whose values reach from {entry.min():.3g} to "
        f"{entry.max():.3g}; where such values are wrong, mend the file, otherwise the training has diverged. Nothing "
        "was evaluated; the weights of the checkpoints are finite, and `python -m hepad.evaluate` can use them"
    )


def scored_samples(data: AnomalyDataModule, scores: Mapping[str, NDArray[np.floating]]) -> dict[str, ScoredSample]:
    """Return the scores of each tested sample together with its observables and the trivial scores."""
    return {
        name: ScoredSample(
            name=name,
            score=scores[name].astype(np.float64),
            features=entries.observables,
            baselines=data.trivial_scores(entries),
            weight=None if entries.batch.weight is None else entries.batch.weight.double().numpy(),
        )
        for name, entries in data.test_entries.items()
    }


def write_metrics(directory: Path, evaluation: Evaluation) -> None:
    """Write metrics.json."""
    text = json.dumps(dict(sorted(evaluation.metrics.items())), indent=2)
    atomic_write_text(directory / "metrics.json", text + "\n")


def write_scores(
    path: Path,
    data: AnomalyDataModule,
    scores: Mapping[str, NDArray[np.floating]],
    more: Mapping[str, Mapping[str, NDArray[Any]]],
    attributes: Mapping[str, str | int] | None = None,
) -> None:
    """Write `/<sample>/score` `(N,)` float32 and `/<sample>/index` `(N,)` int64, the row in the source file.

    Also `/<sample>/slot` of jets, and `/<sample>/weight` of weighted entries.

    Args:
        path: the file.
        data: where the entries are from.
        scores: sample → `(N,)`.
        more: sample → name → further data sets.
        attributes: what else the file should say of its scores.
    """
    buffer = io.BytesIO()
    with create_hdf5(buffer) as file:
        file.attrs["background"] = data.background
        file.attrs["kind"] = data.kind
        for name, value in (attributes or {}).items():
            file.attrs[name] = value
        for name, entries in data.test_entries.items():
            group = file.create_group(name)
            group.attrs["file"] = data.file_of(name).name
            group.create_dataset("score", data=scores[name].astype("<f4"))
            group.create_dataset("index", data=entries.index.astype("<i8"))
            for key, values in more.get(name, {}).items():
                group.create_dataset(key, data=values)
            if entries.batch.weight is not None:
                group.create_dataset("weight", data=entries.batch.weight.numpy().astype("<f4"))
            if entries.slot is not None:
                group.create_dataset("slot", data=entries.slot.astype("<i8"))
    atomic_write_bytes(path, buffer.getvalue())
