"""Loading a run back from its directory."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from hepad.checkpoints.checkpoint_model import load_model
from hepad.config import RunConfig
from hepad.config.keys.check import check_sections
from hepad.config.registry import check_targets, get_class, shipped_targets
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.data.jet_table import AUTO
from hepad.metrics.rates import named_fpr
from hepad.models import AnomalyModel, Explanation
from hepad.models.mean_of_members import MeanOfMembers
from hepad.rundir.checkpoint_file import refuse_damaged
from hepad.rundir.config_file import read_checked_config
from hepad.rundir.facts import read_provenance
from hepad.scores.entry_arrays import EntryRows, context_array, entry_rows, named_features
from hepad.scores.entry_scores import score_rows
from hepad.scores.explained import explain_rows
from hepad.scores.forward import Forward, scoring_device
from hepad.scores.slot_rules import SlotRule, given_mask

if TYPE_CHECKING:
    from hepad.run.operating import OperatingPoint


@dataclass(frozen=True)
class Run:
    """A finished run: its model with the best weights, ready to score.

    Attributes:
        directory: the run's directory.
        settings: the resolved config.
        model: the model in eval mode, on the CPU; of an ensemble the mean of its members.
        checkpoint_sha256: of its checkpoint; of an ensemble, of those of its members, one after the other.
        trained_in: the directory whose provenance tells of the training; of an ensemble its first member's.
    """

    directory: Path
    settings: RunConfig
    model: AnomalyModel
    checkpoint_sha256: str
    trained_in: Path

    @property
    def config(self) -> DictConfig:
        """The resolved config as OmegaConf has it, to be read: it cannot be changed."""
        config = OmegaConf.create(self.settings.plain())
        OmegaConf.set_readonly(config, True)
        return config

    @property
    def entry_shape(self) -> tuple[int, ...]:
        """Shape of one entry that `score` takes."""
        return self.model.entry_shape

    @property
    def features(self) -> tuple[str, ...] | None:
        """Names of the features of one entry, in order; None for images."""
        return named_features(read_provenance(self.directory))

    @property
    def context_names(self) -> tuple[str, ...]:
        """Names of the observables that the model is conditioned on, in order."""
        return tuple(self.settings.data.get("context") or ())

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
            entries: `(N, *entry_shape)` in raw units (GeV); images of one channel also as `(N, H, W)`. Of structured
                arrays and tables with `columns` (pandas), the run's features are found by name.
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

    def _given(
        self, entries: Any, features: Sequence[str] | None, mask: Any, context: Any
    ) -> tuple[EntryRows, SlotRule | None, NDArray[np.float32] | None]:
        """Return rows, the rule that tells their real slots, and context, of what a user gives."""
        names = self.features
        rows = entry_rows(entries, self.entry_shape, names, features)
        conditions = context_array(entries, len(rows), self.context_names, features, context)
        return rows, self._slot_rule(names, mask, len(rows)), conditions

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


def load_run(directory: str | Path) -> Run:
    """Load the best model of a run, or of an ensemble the mean of its members' scores.

    Nothing in the directory can name code that is not on the allow-list (`hepad.config.registry`), and the checkpoint
    is read with `weights_only=True`, after its checksums were compared.

    Raises:
        UserError: the directory is not a run, its config or its checkpoint is damaged, or the two do not fit together.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from hepad import load_run
    >>> from hepad.config import compose
    >>> from hepad.run import train
    >>> short = ["data.limit=500", "trainer.max_epochs=1", "evaluation.plots=false", "logger=none"]
    >>> with TemporaryDirectory() as directory:  # doctest: +ELLIPSIS
    ...     run_dir = Path(directory) / "my_run"
    ...     result = train(compose("train", ["model=dense_ae", *short, f"paths.run={run_dir}"]), run_dir)
    ...     run = load_run(run_dir)
    ...     print(run.entry_shape, run.features[:4], run.score(np.ones((5, 17))).shape)
    epoch 0: train/loss ...
    (17,) ('pt', 'eta', 'phi', 'mass') (5,)
    """
    directory = Path(directory)
    config = RunConfig.of(read_checked_config(directory))
    checkpoint = directory / "checkpoints" / "best.ckpt"
    if directory.parent.name == "evaluations" and not checkpoint.exists():
        raise UserError(f"{directory} is an evaluation; its run is {directory.parent.parent}")
    if not checkpoint.exists() and config.ensemble > 1:
        return _load_members(directory, config)
    if not checkpoint.exists() and config.data.folds is not None and config.data.fold is None:
        raise UserError(f"{directory} has a model for each of its folds; name one of them, {directory / 'fold0'} …")
    if not checkpoint.exists():
        raise UserError(f"{directory} has no checkpoints/best.ckpt; the run did not finish its first epoch")
    refuse_damaged(checkpoint, "put back a copy, or train again")
    check_targets(config.model)
    check_sections(config.plain())
    model = load_model(get_class(config.model.target), checkpoint)
    return Run(directory, config, model.eval(), file_sha256(checkpoint), directory)


def _load_members(directory: Path, config: RunConfig) -> Run:
    if not (directory / "metrics.json").exists():
        raise UserError(f"{directory} is an ensemble that did not finish; go on with it: resume={directory}")
    members = [load_run(directory / f"member{number}") for number in range(config.ensemble)]
    digest = sha256("".join(member.checkpoint_sha256 for member in members).encode()).hexdigest()
    model = MeanOfMembers([member.model for member in members])
    return Run(directory, config, model.eval(), digest, members[0].trained_in)
