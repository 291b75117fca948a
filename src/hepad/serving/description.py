"""Description of a run, as its server tells it: shape, features with units, thresholds."""

from dataclasses import dataclass
from typing import Any

from hepad import __version__
from hepad.core.schema import Structure
from hepad.plots.labels import FEATURES
from hepad.run.loading import Run
from hepad.run.score_beside import ScoreBeside
from hepad.serving.settings import Limits


@dataclass(frozen=True)
class Description:
    """Description of what a run scores.

    Attributes:
        name: of the run's directory.
        model: name of the model's class.
        structure: of an entry: `vector`, `set` or `image`.
        shape: of one entry in a request; the one channel of an image is left out.
        features: names of the last axis, in order; None where they have none.
        units: of the features, empty where a feature has none or it is not known.
        context: names of the observables that the run is conditioned on.
        thresholds: name → threshold.
        p_values: whether answers have p-values.
        checkpoint_sha256: of the weights.
        limits: of requests.
    """

    name: str
    model: str
    structure: Structure
    shape: tuple[int, ...]
    features: tuple[str, ...] | None
    units: tuple[str, ...] | None
    context: tuple[str, ...]
    thresholds: dict[str, float]
    p_values: bool
    checkpoint_sha256: str
    limits: Limits

    @classmethod
    def of(cls, run: Run, beside: ScoreBeside, limits: Limits) -> "Description":
        """Return the description of a run."""
        shape = run.entry_shape
        structures: dict[int, Structure] = {1: "vector", 2: "set", 3: "image", 4: "volume"}
        return cls(
            name=run.directory.resolve().name,
            model=str(run.settings.model.target).rpartition(".")[2],
            structure=structures[len(shape)],
            shape=shape[1:] if len(shape) == 3 and shape[0] == 1 else shape,
            features=run.features,
            units=None if run.features is None else tuple(FEATURES.get(name, ("", ""))[1] for name in run.features),
            context=run.context_names,
            thresholds=beside.thresholds,
            p_values=beside.calibration is not None,
            checkpoint_sha256=run.checkpoint_sha256,
            limits=limits,
        )

    @property
    def columns(self) -> list[str]:
        """Names of the columns of an answer, in order."""
        return ["score", *(["p_value"] if self.p_values else []), *(f"accepted_{name}" for name in self.thresholds)]

    def plain(self) -> dict[str, Any]:
        """Return the description as `/run` answers."""
        return {
            "run": self.name,
            "model": self.model,
            "structure": self.structure,
            "entry_shape": list(self.shape),
            "features": None if self.features is None else list(self.features),
            "units": None if self.units is None else list(self.units),
            "context": list(self.context),
            "thresholds": self.thresholds,
            "answers": self.columns,
            "limits": {
                "bytes": self.limits.max_bytes,
                "rows": self.limits.max_rows,
                "requests_at_a_time": self.limits.max_requests,
            },
            "checkpoint_sha256": self.checkpoint_sha256,
            "hepad_version": __version__,
        }
