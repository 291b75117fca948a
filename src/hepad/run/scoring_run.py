"""Scores of arrays by a finished run, and what else its model makes of entries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.config.registry import get_class, shipped_targets
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.data.jet_table import AUTO
from hepad.metrics.rates import named_fpr
from hepad.models import Explanation
from hepad.run.made_up import check_generative, made_up_blocks
from hepad.run.stored_run import StoredRun
from hepad.rundir.record import options_of
from hepad.scores.entry_arrays import EntryRows, context_array, entry_rows
from hepad.scores.entry_scores import score_rows
from hepad.scores.explained import explain_rows
from hepad.scores.forward import Forward, scoring_device
from hepad.scores.row_batches import map_rows
from hepad.scores.slot_rules import SlotRule, given_mask

if TYPE_CHECKING:
    from hepad.run.operating import OperatingPoint


class ScoringRun(StoredRun):
    """A finished run that scores, explains, encodes, reconstructs and makes up entries."""

    def score(
        self,
        entries: Any,
        features: Sequence[str] | None = None,
        mask: Any = None,
        context: Any = None,
        device: str = "auto",
    ) -> NDArray[np.float32]:
        """Return the anomaly score of each entry, `(N,)`; higher is more anomalous.

        Args:
            entries: `(N, *entry_shape)` in raw units (GeV), as an array or a tensor; images of one channel also as
                `(N, H, W)`. Of structured arrays, tables (pandas, polars, a mapping of columns) and awkward arrays
                the run's features are found by name; ragged awkward arrays are filled into the run's slots.
            features: names of the columns of `entries`, in any order, with others among them; None where the array
                names them itself or has the run's own columns (`features`) in their order.
            mask: of events `(N, S)`, of single jets `(N,)`, True for real jets; None to tell them as the run does
                (`data.padding`): by pT, or all zeros where there is none.
            context: `(N, K)` observables that the run is conditioned on (`context_names`), of one also `(N,)`; None to
                find them by name among the columns of `entries`.
            device: where to compute: `auto` (a GPU where there is one), `cpu`, `gpu`, `cuda` or `mps`. To the last bit
                scores are the same on one device alone.

        Returns:
            The scores; NaN for empty slots, where entries are single jets.

        Raises:
            UserError: another shape, a feature or a context that is missing, NaN or inf, empty slots that need a mask
                to be told, or a device that is not there.
        """
        given = self._given(entries, features, mask, context)
        return score_rows(Forward(self.model, scoring_device(device)), *given)

    def explain(
        self,
        entries: Any,
        features: Sequence[str] | None = None,
        mask: Any = None,
        context: Any = None,
        device: str = "auto",
    ) -> NDArray[np.float32]:
        """Return how much each number of each entry contributes to its score, `(N, *entry_shape)`.

        The arguments are those of `score`. Where the score is a sum over the numbers of an entry, as the mean squared
        error of an autoencoder is, these are its terms. Else see `explanation`, which also says what is missing.
        """
        return self.explanation(entries, features, mask, context, device).values.numpy()

    def explanation(
        self,
        entries: Any,
        features: Sequence[str] | None = None,
        mask: Any = None,
        context: Any = None,
        device: str = "auto",
    ) -> Explanation:
        """Return contributions to scores, how they were made, and what they miss of the scores (`remainder`)."""
        given = self._given(entries, features, mask, context)
        return explain_rows(self.model, scoring_device(device), *given)

    def threshold(
        self,
        rate: str | float | None = None,
        fpr: float | None = None,
        events_per_day: float | None = None,
        device: str = "auto",
    ) -> "OperatingPoint":
        """Return a threshold chosen on the run's validation part and tested on its test part; nothing is kept.

        Args:
            rate: of a trigger that sees every crossing, `1kHz` or a number in Hz.
            fpr: or the share of the background that is accepted.
            events_per_day: or how many of the background's events a day.
            device: where to compute.

        Raises:
            UserError: not exactly one of the three, fewer than ten entries beyond, or files that are gone.
        """
        name, share = named_fpr(rate, fpr, events_per_day)
        # Imported here: they build datamodules, which loading does not need.
        from hepad.run.held_out import own_held_out
        from hepad.run.operating import operating_point

        return operating_point(own_held_out(self.settings, self.model, self.trained_in, device), name, share)

    def encode(
        self,
        entries: Any,
        features: Sequence[str] | None = None,
        mask: Any = None,
        context: Any = None,
        device: str = "auto",
    ) -> NDArray[np.float32]:
        """Return the codes of entries, `(N, L)`, or `(N, S, L)` where every slot has one; arguments as for `score`.

        Raises:
            UserError: as `score`, or a model without a code.
        """
        self._require_ability("encode_batch", "has no code")

        def code(model: Any, batch: Batch) -> torch.Tensor:
            found: torch.Tensor | None = model.encode_batch(batch)
            if found is None:
                raise UserError(f"{self.directory.name}: {type(model).__name__} was built without an encoder")
            return found

        return map_rows(code, self.model, scoring_device(device), *self._given(entries, features, mask, context))

    def reconstruct(
        self,
        entries: Any,
        features: Sequence[str] | None = None,
        mask: Any = None,
        context: Any = None,
        device: str = "auto",
    ) -> NDArray[np.float32]:
        """Return what the model understood of entries, `(N, *entry_shape)` in raw units; arguments as for `score`.

        Raises:
            UserError: as `score`, or a model that reconstructs nothing.
        """
        self._require_ability("reconstruct_raw", "reconstructs nothing")

        def reconstruction(model: Any, batch: Batch) -> torch.Tensor:
            found: torch.Tensor = model.reconstruct_raw(batch)
            return found

        given = self._given(entries, features, mask, context)
        return map_rows(reconstruction, self.model, scoring_device(device), *given)

    def generate(self, n: int | None = None, context: Any = None, seed: int = 0) -> NDArray[np.float32]:
        """Return entries that the model makes up, `(N, *entry_shape)` in raw units; empty slots hold zeros.

        Args:
            n: how many; None for one for each row of the context.
            context: `(N, K)` observables that the run is conditioned on (`context_names`), of one also `(N,)`.
            seed: of the random numbers; the same one gives the same entries.

        Raises:
            UserError: a model that makes nothing up, neither a number nor a context, or one of another shape.
            JobError: what it makes up is not finite.
        """
        check_generative(self.model, self.directory)
        if context is None and self.context_names:
            raise UserError(
                f"this run is conditioned on {', '.join(self.context_names)}; generate(context=…) gives them"
            )
        if context is None and (n is None or n < 1):
            raise UserError(f"generate({n}): the number of entries is needed")
        n_entries = int(n or 0) if context is None else len(context)
        if n not in (None, n_entries):
            raise UserError(f"generate({n}): the context has {n_entries} rows, one for each entry; leave n out")
        given = context_array(None, n_entries, self.context_names, None, context)
        blocks = made_up_blocks(self.model, n_entries, given, torch.Generator().manual_seed(seed))
        return np.concatenate([made.x.numpy() for made in blocks])

    def _require_ability(self, method: str, lacks: str) -> None:
        if hasattr(self.model, method):
            return
        able = [name for target, name in options_of("model").items() if hasattr(get_class(target), method)]
        raise UserError(
            f"{self.directory.name}: {type(self.model).__name__} {lacks}; runs of {', '.join(sorted(able))} can"
        )

    def _given(
        self, entries: Any, features: Sequence[str] | None, mask: Any, context: Any
    ) -> tuple[EntryRows, SlotRule | None, NDArray[np.float32] | None]:
        """Return rows, the rule that tells their real slots, and context, of what a user gives."""
        names = self.features
        rows = entry_rows(entries, self.entry_shape, names, features)
        conditions = context_array(entries, len(rows), self.context_names, features, context)
        # A ragged array says itself which slots are real.
        return rows, self._slot_rule(names, rows.mask if mask is None else mask, len(rows)), conditions

    def _slot_rule(self, names: tuple[str, ...] | None, mask: Any, n: int) -> SlotRule | None:
        """Return the rule that tells real slots of events, or real single jets; None where entries are never empty."""
        padding = str(self.settings.data.get("padding", AUTO))
        has_slots = len(self.entry_shape) == 2
        if not has_slots and not self._slots_of_events:
            if mask is not None:
                raise UserError("a mask is for events and jets; the entries of this run are never empty")
            return None
        if mask is not None:
            given = given_mask(mask, (n, self.entry_shape[0]) if has_slots else (n,))
            return SlotRule(has_slots, names, padding, given)
        by_pt = names is not None and "pt" in names and padding in (AUTO, "pt")
        return SlotRule(has_slots, names, padding, None) if has_slots or by_pt else None

    @property
    def _slots_of_events(self) -> bool:
        """True where entries are single slots of events, some empty; data of a user's own are taken for such."""
        target = str(self.settings.data.get("_target_"))
        ships = target in shipped_targets()
        return len(self.entry_shape) == 1 and (not ships or bool(get_class(target).slots_of_events))
