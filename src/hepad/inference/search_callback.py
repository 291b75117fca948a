"""`inference=latent_search`: scores by a latent search instead of one pass through the model."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray

from hepad.core.batch import on_device
from hepad.core.diagnostics import Diagnostic, PartialScores, Remark, SearchExamples, SearchTraces
from hepad.core.errors import UserError
from hepad.core.gathering import gather_interleaved
from hepad.core.misfits import no_code
from hepad.core.names import file_name
from hepad.core.progress import progress
from hepad.data import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.inference.code_prior import NEAR, SEEDS, STARTS, UNIT_NORMAL, describe_starts, fitted_prior
from hepad.inference.entry_search import EntrySearch, search_examples, searched_network
from hepad.inference.latent_search import DEFAULT_MEMORY, LatentSearch
from hepad.inference.partial_search import PartialSearch, fingerprint, plain_settings
from hepad.inference.search import SearchResult, fit_loss
from hepad.inference.search_contributions import searched_contributions
from hepad.inference.search_findings import failures, finite_scores, mean_moved, standstill
from hepad.inference.search_settings import SearchSettings
from hepad.inference.searched_entries import entries_per_sample, limit_tested, seconds_per_entry
from hepad.losses import ReconstructionLoss
from hepad.models import AnomalyModel, Explanation, Searchable

_PARTIAL: Final = "latent_search"
_LONG: Final = 120.0
_PARTS: Final = ("values", "score", "start")


class LatentSearchInference(Callback):
    """Search for the code of every tested entry (`hepad.inference.LatentSearch`); the loss that is left is the score.

    It stands before `Evaluate`, which takes `scores` and what there is to show from it. Blocks that are done are kept
    in `<directory>/latent_search`; a search that is stopped goes on there, with the same scores at the end.

    Attributes:
        advice: how to go on with a search that is stopped, where whoever stops it does not say so.

    Args:
        directory: the run's directory.
        n_seed, steps, gamma_z, gamma_theta, optimizer, reduction, tolerance, patience: see `SearchSettings`.
        start: `prior`, the definition's own; `encoder`: the first restart starts at the entry's own code, the others
            near it. Where the model has no prior, a normal distribution fitted to the codes of background is one.
        loss: compares what the network makes with the normalised entry.
        memory: bytes that the blocks searched at a time may take.
        seed: of the codes drawn.
        entries: of each sample that are searched at most; `auto` for so many that it takes minutes on two cores; None
            for all.

    Raises:
        ValueError: a value that makes no sense.
    """

    def __init__(
        self,
        directory: str | Path,
        loss: ReconstructionLoss,
        start: str = "prior",
        memory: float = DEFAULT_MEMORY,
        seed: int = 0,
        entries: int | Literal["auto"] | None = None,
        **settings: Any,
    ) -> None:
        if entries != "auto" and entries is not None and (not isinstance(entries, int) or entries < 1):
            raise ValueError(f"entries={entries}; a number from 1, auto, or null for all is needed")
        if start not in STARTS:
            raise ValueError(f"start {start!r}; allowed: {', '.join(STARTS)}")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEEDS:
            raise ValueError(f"seed={seed}; an integer from 0 to below 2**128 is needed")
        if not isinstance(loss, ReconstructionLoss):
            raise ValueError(f"loss={loss!r}; one of those in hepad.losses is needed, such as hepad.losses.MSE")
        self.directory = Path(directory) / _PARTIAL
        self.loss = loss
        self.start = start
        self.memory = memory
        self.seed = seed
        self.entries = entries
        self.settings = SearchSettings(**settings)
        self.found: dict[str, SearchResult] = {}
        self.scores: dict[str, NDArray[np.float32]] = {}
        self._partial: list[PartialSearch] = []
        self._examples: list[SearchExamples] = []
        self._search_of_entries: EntrySearch | None = None
        self._remarks: list[str] = []
        self._left_out = ""
        self._starts = ""
        self._began = (0.0, 0)
        self._expected: float | None = None
        self.advice = ""

    def check(self, model: AnomalyModel, data: AnomalyDataModule) -> None:
        """Find now whatever would end the search later: after a training that would be late.

        Raises:
            UserError: a model without a generator or decoder, an encoder that is not there, too little memory, a loss
                that is not for such entries.
        """
        if not isinstance(model, Searchable):
            raise UserError(no_code(type(model).__name__))
        if data.context_names and model.context_use == "condition":
            raise UserError(
                f"inference=latent_search searches for codes alone, and {type(model).__name__} is conditioned on "
                f"{', '.join(data.context_names)} too; data.context=null, or inference=forward"
            )
        entry = data.train_entries.rows(np.arange(1))
        if self.start == "encoder" and model.encode_batch(on_device(entry.batch, model.device)) is None:
            raise UserError(f"inference.start=encoder: {type(model).__name__} has no encoder; allowed: prior")
        network = searched_network(model)
        try:
            LatentSearch(network, self.settings, self.loss, self.memory)
        except ValueError as error:
            raise UserError(f"inference.{error}; raise inference.memory") from error
        fit_loss(self.loss, model, data)
        # One entry and one step: the shapes that the loss is given, and whatever a loss of the user's own does then.
        one_step = replace(self.settings, steps=min(1, self.settings.steps))
        first = LatentSearch(network, one_step, self.loss, self.memory)
        EntrySearch(first, model, UNIT_NORMAL, self.start == "encoder", self.seed)(entry)

    def choose_entries(self, model: AnomalyModel, data: AnomalyDataModule) -> None:
        """Leave out of the test what is not to be searched, after `check`; every entry of folds is searched."""
        most = self.entries
        if most == "auto":
            sizes = {sample: len(data.tested(sample)) for sample in data.files}
            seconds = seconds_per_entry(searched_network(model), self.settings)
            most = None if data.folds is not None else entries_per_sample(sizes, seconds)
        if most is None:
            return
        assert isinstance(most, int)
        if said := limit_tested(data, most):
            self._left_out = f"{said}; inference.entries=null takes all"

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Search for every tested entry."""
        assert isinstance(pl_module, AnomalyModel)
        assert isinstance(pl_module, Searchable)
        data: AnomalyDataModule = trainer.datamodule  # type: ignore[attr-defined]
        network = searched_network(pl_module)
        fit_loss(self.loss, pl_module, data)
        latent_search = LatentSearch(network, self.settings, self.loss, self.memory, device=pl_module.device)
        prior = UNIT_NORMAL if network.unit_normal_prior else fitted_prior(pl_module, data.train_entries.batch)
        own_codes = self.start == "encoder"
        self._starts = describe_starts(own_codes)
        search = EntrySearch(latent_search, pl_module, prior, own_codes, self.seed)
        self._search_of_entries = search
        self._remarks, self._examples = [], []
        if self._left_out:
            self._warn(trainer, self._left_out)
        if (warning := latent_search.warning()) is not None:
            # Before the search, which may take hours.
            self._warn(trainer, f"latent search: {warning}")
        began, n_new = time.perf_counter(), 0
        n_own = sum(len(entries) // trainer.world_size for entries in data.test_entries.values())
        self._began, self._expected = (began, n_own), None
        for sample, entries in data.test_entries.items():
            # Where several processes test, each searches for every n-th entry.
            own = entries.rows(np.arange(trainer.global_rank, len(entries), trainer.world_size))
            found, new = self._search(search, own, sample)
            if trainer.world_size > 1:
                found = SearchResult(**gather_interleaved(found._asdict()))
            self.found[sample] = found
            n_new += new
        seconds = time.perf_counter() - began
        for sample, entries in data.test_entries.items():
            if (remark := failures(sample, self.found[sample], entries)) is not None:
                self._warn(trainer, remark)
        self.scores = finite_scores(self.found, self.settings.reduction)
        if latent_search.weights and self.settings.steps and (remark := standstill(self.found)) is not None:
            self._warn(trainer, f"latent search: {remark}")
        for sample, entries in data.test_entries.items():
            self._examples.append(search_examples(search, entries, sample, self.scores[sample]))
        settings = self.settings
        moved = ""
        if latent_search.weights:
            moved = f"; mean ‖Δθ‖ of {data.background} {mean_moved(self.found[data.background]):.2g}"
        self._remarks.append(
            f"Latent search: {settings.n_seed} restarts of {settings.steps} steps, {n_new:,} entries in "
            f"{seconds:.1f} s on {pl_module.device.type}, {latent_search.block} at a time{moved}."
        )
        if trainer.is_global_zero:
            print(self._remarks[-1], flush=True)

    def _warn(self, trainer: L.Trainer, text: str) -> None:
        """Say it now, on stderr, and later in the report."""
        self._remarks.append(f"{text[:1].upper()}{text[1:].rstrip('.')}.")
        if trainer.is_global_zero:
            print(f"warning: {text}", file=sys.stderr, flush=True)

    def _search(self, search: EntrySearch, entries: Entries, sample: str) -> tuple[SearchResult, int]:
        """Search for the entries of one sample; return what was found, and how many of them are new."""
        if len(entries) == 0:
            # More processes than entries.
            return search(entries)._replace(code=torch.empty(0, 0), made=torch.empty(0, 0)), 0
        # Losses are the same whichever of them is taken for the score.
        settings = replace(self.settings, reduction="mean")
        block, rows_of = search.search.block, entries.index.tolist()
        words = (settings, *plain_settings(self.loss), search.own_codes, NEAR, self.seed, block, rows_of)
        tensors = (*search.model.state_dict().values(), *self.loss.state_dict().values(), entries.batch.x)
        partial = PartialSearch(self.directory / f"{file_name(sample)}_{fingerprint(words, tensors)}.npz")
        self._partial.append(partial)
        n_before = partial.n_done
        try:
            with progress(f"search {sample}", len(entries), n_before, "entries") as advance:

                def search_rows(rows: slice) -> SearchResult:
                    return search(entries.rows(np.arange(rows.start, rows.stop)))

                for rows, found in search.search.search_blocks(len(entries), search_rows, n_before):
                    partial.add(found)
                    advance(rows.stop - rows.start)
                    self._announce(rows.stop - rows.start, search.search)
        finally:
            if partial.n_done > n_before:
                partial.write()
            if 0 < partial.n_done < len(entries):
                print(f"{partial.n_done} of {len(entries)} entries of {sample} are kept{self.advice}", flush=True)
        return partial.result(), partial.n_done - n_before

    def _announce(self, n_done: int, search: LatentSearch) -> None:
        """Say after the first block how long all will take, where that is long; that block was searched alone."""
        if self._expected is not None:
            return
        began, n_entries = self._began
        self._expected = (time.perf_counter() - began) / n_done * n_entries / search.n_threads
        if self._expected > _LONG:
            print(f"latent search of {n_entries:,} entries: about {self._expected / 60:.0f} minutes", flush=True)

    def explain(self, data: AnomalyDataModule, places: Sequence[tuple[str, int]]) -> Explanation | None:
        """Return the contributions to the scores of some tested entries, once all were searched.

        Args:
            data: with the tested entries.
            places: sample and position of each.
        """
        if self._search_of_entries is None or not places:
            return None
        parts: dict[tuple[str, int], Explanation] = {}
        for sample in dict.fromkeys(name for name, _ in places):
            rows = [position for name, position in places if name == sample]
            entries, scores = data.test_entries[sample].rows(np.array(rows)), self.scores[sample][rows]
            found = searched_contributions(self._search_of_entries, entries, torch.from_numpy(scores))
            if found is None:
                return None
            for i, position in enumerate(rows):
                part = Explanation(found.values[i], found.score[i], found.start[i], found.method)
                parts[sample, position] = part
        chosen = [parts[place] for place in places]
        values, score, start = (torch.stack([getattr(part, name) for part in chosen]) for name in _PARTS)
        return Explanation(values, score, start, "terms")

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

    def diagnostics(self, forward: Mapping[str, NDArray[Any]]) -> Iterable[Diagnostic]:
        """Return what there is to show of the search.

        Args:
            forward: sample → `(N,)` the scores of one pass, to compare with.
        """
        yield SearchTraces(
            traces={sample: found.sound_trace for sample, found in self.found.items()},
            moved={sample: mean_moved(found) for sample, found in self.found.items() if self.settings.gamma_theta > 0},
            reduction=self.settings.reduction,
            starts=self._starts,
        )
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
