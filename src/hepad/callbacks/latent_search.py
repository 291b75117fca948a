"""`inference=latent_search`: scores by a latent search instead of one pass through the model."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray
from torch import Tensor

from hepad.batch import Batch, on_device
from hepad.callbacks.code_prior import STARTS, UNIT_NORMAL, CodePrior, fitted_prior
from hepad.callbacks.gathering import gather_interleaved
from hepad.callbacks.partial_search import PartialSearch, fingerprint, plain_settings
from hepad.data import AnomalyDataModule
from hepad.data.datamodule import Entries
from hepad.errors import UserError
from hepad.exhibits import Exhibit, PartialScores, Remark, SearchExamples, SearchTraces
from hepad.inference import DEFAULT_MEMORY, LatentSearch, SearchResult, SearchSettings, draw_codes
from hepad.losses import ReconstructionLoss
from hepad.models import AnomalyModel
from hepad.progress import progress

_PARTIAL: Final = "latent_search"
_EXAMPLE_STEPS: Final = 4


class LatentSearchInference(Callback):
    """Search for the code of every tested entry (`hepad.inference.LatentSearch`); the loss that is left is the score.

    It stands before `Evaluate`, which takes `scores` and what there is to show from it. Blocks that are done are kept
    in `<directory>/latent_search`; a search that is stopped goes on there, with the same scores at the end.

    Args:
        directory: the run's directory.
        n_seed, steps, gamma_z, gamma_theta, optimizer, reduction, tolerance, patience: see `SearchSettings`.
        start: `prior`; `encoder`: the first restart starts at the entry's own code, the others from the prior; `auto`:
            `encoder` where the model has one. Without a prior of its own, the codes of background are given one.
        loss: compares what the network makes with the normalised entry.
        memory: bytes a block may take.
        seed: of the codes drawn.

    Raises:
        ValueError: a value that makes no sense.
    """

    def __init__(
        self,
        directory: str | Path,
        loss: ReconstructionLoss,
        start: str = "auto",
        memory: float = DEFAULT_MEMORY,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        if start not in STARTS:
            raise ValueError(f"start {start!r}; allowed: {', '.join(STARTS)}")
        self.directory = Path(directory) / _PARTIAL
        self.loss = loss
        self.start = start
        self.memory = memory
        self.seed = seed
        self.settings = SearchSettings(**settings)
        self.found: dict[str, SearchResult] = {}
        self.scores: dict[str, NDArray[np.float32]] = {}
        self._partial: list[PartialSearch] = []
        self._examples: list[SearchExamples] = []
        self._remarks: list[str] = []

    def check(self, model: AnomalyModel) -> None:
        """Find now whatever would end the search later.

        Raises:
            UserError: a model without a generator or decoder, an encoder that is not there, too little memory.
        """
        network = model.latent_network()
        if network is None:
            raise UserError(
                f"inference=latent_search needs a generator or a decoder; {type(model).__name__} has none; choose "
                "inference=forward or a model such as gan, bigan, vae"
            )
        has_encoder = type(model).encode_batch is not AnomalyModel.encode_batch
        if self.start == "encoder" and not has_encoder:
            raise UserError(f"inference.start=encoder: {type(model).__name__} has no encoder; allowed: auto, prior")
        try:
            LatentSearch(network, self.settings, memory=self.memory)
        except ValueError as error:
            raise UserError(f"inference.{error}; raise inference.memory") from error

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Search for every tested entry."""
        assert isinstance(pl_module, AnomalyModel)
        data: AnomalyDataModule = trainer.datamodule  # type: ignore[attr-defined]
        network = pl_module.latent_network()
        assert network is not None
        self.loss.fit(pl_module.latent_target(data.train_entries.batch)[0])
        search = LatentSearch(network, self.settings, self.loss, self.memory, device=pl_module.device)
        prior = UNIT_NORMAL if network.unit_normal_prior else fitted_prior(pl_module, data.train_entries.batch)
        self._remarks = [] if (warning := search.warning()) is None else [warning[:1].upper() + warning[1:] + "."]
        self._examples = []
        began, n_new = time.perf_counter(), 0
        for sample, entries in data.test_entries.items():
            # Where several processes test, each searches for every n-th entry.
            own = entries.rows(np.arange(trainer.global_rank, len(entries), trainer.world_size))
            found, new = self._search(search, pl_module, own, sample, prior)
            if trainer.world_size > 1:
                found = SearchResult(**gather_interleaved(found._asdict()))
            self.found[sample] = found
            n_new += new
            self.scores[sample] = self._finite_scores(sample, entries)
            self._examples.append(self._example(search, pl_module, entries, sample, prior))
        seconds = time.perf_counter() - began
        settings = self.settings
        moved = float(self.found[data.background].moved.mean())
        self._remarks.append(
            f"Latent search: {settings.n_seed} restarts of {settings.steps} steps, {n_new:,} entries in "
            f"{seconds:.1f} s on {pl_module.device.type}, {search.block} at a time; mean ‖Δθ‖ of {data.background} "
            f"{moved:.2g}."
        )
        for remark in self._remarks if trainer.is_global_zero else ():
            print(remark, flush=True)

    def _search(
        self, search: LatentSearch, model: AnomalyModel, entries: Entries, sample: str, prior: CodePrior
    ) -> tuple[SearchResult, int]:
        """Search for the entries of one sample; return what was found, and how many of them are new."""
        words = (self.settings, *plain_settings(self.loss), self.start, self.seed, search.block, entries.index.tolist())
        tensors = (*model.state_dict().values(), *self.loss.state_dict().values(), entries.batch.x)
        partial = PartialSearch(self.directory / f"{sample}_{fingerprint(words, tensors)}.npz")
        self._partial.append(partial)
        n_before = partial.n_done
        try:
            with progress(f"search {sample}", len(entries), n_before, "entries") as advance:

                def search_rows(rows: slice) -> SearchResult:
                    return self._search_entries(search, model, entries.rows(np.arange(rows.start, rows.stop)), prior)

                for rows, found in search.search_blocks(len(entries), search_rows, n_before):
                    partial.add(found)
                    advance(rows.stop - rows.start)
        finally:
            if partial.n_done > n_before:
                partial.write()
            if partial.n_done < len(entries):
                print(f"{partial.n_done} entries of {sample} are kept; the same command goes on there", flush=True)
        return partial.result(), partial.n_done - n_before

    def _search_entries(
        self, search: LatentSearch, model: AnomalyModel, entries: Entries, prior: CodePrior
    ) -> SearchResult:
        batch = on_device(entries.batch, model.device)
        with torch.no_grad():
            target, mask = model.latent_target(batch)
        return search.search(target, self._start(search, model, entries, batch, prior), mask)

    def _start(
        self, search: LatentSearch, model: AnomalyModel, entries: Entries, batch: Batch, prior: CodePrior
    ) -> Tensor:
        """Return `(E, n_seed, *latent_shape)` codes to start from."""
        rows = entries.index if entries.slot is None else np.stack([entries.index, entries.slot], axis=1)
        drawn = torch.from_numpy(draw_codes(self.seed, rows, self.settings.n_seed, search.latent_shape)).float()
        codes = prior.mean + prior.spread * drawn
        if self.start != "prior":
            with torch.no_grad():
                own = model.encode_batch(batch)
            if own is not None:
                codes[:, 0] = own.cpu()
        return codes

    def _finite_scores(self, sample: str, entries: Entries) -> NDArray[np.float32]:
        """Return the scores of a sample; an entry without any finite restart gets the largest of the others."""
        found = self.found[sample]
        scores = found.scores(self.settings.reduction).numpy().astype(np.float32)
        if found.failed.any():
            rows = entries.index[found.failed.any(dim=1).numpy()]
            listed = ", ".join(str(row) for row in rows[:10]) + (", …" if len(rows) > 10 else "")
            self._remarks.append(
                f"{int(found.failed.sum())} restarts of {len(rows)} entries of {sample} came to a loss that is not "
                f"finite and keep the last one that was (rows {listed})."
            )
        lost = np.isnan(scores)
        if lost.all():
            raise UserError(f"inference=latent_search: no entry of {sample} has a finite loss")
        scores[lost] = scores[~lost].max()
        return scores

    def _example(
        self, search: LatentSearch, model: AnomalyModel, entries: Entries, sample: str, prior: CodePrior
    ) -> SearchExamples:
        """Search again for the least, the middle and the most anomalous entry and look at what is made on the way."""
        order = np.argsort(self.scores[sample], kind="stable")
        rows = np.array([order[0], order[len(order) // 2], order[-1]])
        shown = entries.rows(rows)
        settings = self.settings
        steps = sorted({round(settings.steps * part / (_EXAMPLE_STEPS - 1)) for part in range(_EXAMPLE_STEPS)})
        made = []
        for n_steps in steps:
            # The way of a shorter search is the beginning of the longer one's.
            part = LatentSearch(
                search.generator,
                SearchSettings(**{**vars(settings), "steps": n_steps}),
                self.loss,
                self.memory,
                device=search.device,
            )
            found = self._search_entries(part, model, shown, prior).made[:, 0]
            raw = model.normalizer.inverse(found.to(model.device), shown.batch.x.to(model.device)).cpu()
            mask = shown.batch.mask
            made.append(raw if mask is None else torch.where(mask.unsqueeze(-1), raw, torch.zeros_like(raw)))
        return SearchExamples(
            sample, shown.batch, torch.stack(made, dim=1), steps, torch.from_numpy(self.scores[sample][rows])
        )

    def per_restart(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Return sample → name → `(N, n_seed)` what scores.h5 keeps beside the scores."""
        return {
            sample: {
                "restart_loss": found.losses.numpy().astype("<f4"),
                "restart_steps": found.steps.numpy().astype("<i4"),
                "restart_moved": found.moved.numpy().astype("<f4"),
                "restart_failed": found.failed.numpy(),
            }
            for sample, found in self.found.items()
        }

    def exhibits(self, forward: Mapping[str, NDArray[Any]]) -> Iterable[Exhibit]:
        """Return what there is to show of the search.

        Args:
            forward: sample → `(N,)` the scores of one pass, to compare with.
        """
        yield SearchTraces({sample: found.trace for sample, found in self.found.items()})
        yield from self._examples
        yield PartialScores({"forward": {sample: torch.from_numpy(values) for sample, values in forward.items()}})
        yield from (Remark(text) for text in self._remarks)

    def clear(self) -> None:
        """Remove the findings kept for a search that is stopped, when all is written."""
        for partial in self._partial:
            partial.path.unlink(missing_ok=True)
        self._partial = []
        # Another evaluation may have findings of its own there.
        with suppress(OSError):
            self.directory.rmdir()
