"""scikit-learn's interface for outlier detectors."""

import inspect
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from hepad.config import RunConfig, quoted
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.data import given_array
from hepad.formats.elementwise import is_jagged
from hepad.python.composing import as_command, checked_config, compose_training
from hepad.python.given_data import BACKGROUND, usual_words
from hepad.python.given_objects import object_configs
from hepad.python.memory_samples import memory_samples, refuse_nonfinite, write_sample
from hepad.python.training import in_a_session, run_training, structures_of
from hepad.python.words import Settings, read_settings
from hepad.run.executing import train_alone
from hepad.run.loading import Run
from hepad.run.training import exclusive_run_dir
from hepad.rundir.config_file import moved_paths

_FEWEST: Final = 10
"""Entries that a split into training, validation and test takes."""

_LARGEST_SEED: Final = 2**31 - 1
_PLACE: Final = Path("/hepad-detector/run")
"""Directory in a config that is composed once, in place of that of each fit."""

_SECTIONS: Final = (
    "callbacks", "data", "debug", "decorrelate", "ensemble", "evaluation", "experiment", "inference", "logger", "loss",
    "model", "network", "optimizer", "paths", "scheduler", "seed", "trainer",
)  # fmt: skip


class Detector(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An outlier detector of scikit-learn's kind: any of hepad's models that trains on background alone.

    `score_samples` has scikit-learn's sign, **higher is more normal**: it is minus hepad's anomaly score, which
    `anomaly_score` returns. `decision_function` is `score_samples - offset_`; `predict` is −1 where that is negative.

    Of the entries that `fit` is given 60% train, 20% choose the epoch, and 20% are left for a test, as in every run.

    Args:
        model: name of a model.
        loss: name of a loss or an object, as for `hepad.train`; None for the model's own.
        network: name of a network or an object; None for the model's own.
        max_epochs: passes over the training entries; None for the model's own.
        batch_size: entries of a training batch; None for the data's own.
        contamination: share of the entries given to `fit` that `predict` calls outliers, in (0, 0.5].
        random_state: seed of weights and shuffling; None for hepad's 42, so that nothing is random unless asked for.
        run_dir: directory of a whole run that `fit` makes, evaluated and with its report; None to keep nothing.
        settings: any other key of a training, with `__` in place of the dot: `model__latent=4`.

    Attributes:
        run_: the run (`hepad.run.Run`); without `run_dir` it scores, and has no files.
        offset_: of `decision_function`.
        n_features_in_: number of features of an entry, or of channels of images.
        feature_names_in_: names of the columns, where X has such.

    >>> import numpy as np
    >>> import hepad
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> detector = hepad.Detector("dense_ae", max_epochs=2, contamination=0.05).fit(X)
    >>> int(detector.predict(X).sum()), detector.predict([[9.0, -9.0, 9.0]])
    (180, array([-1]))
    >>> bool((detector.score_samples(X) == -detector.run_.score(X).astype(float)).all())
    True
    """

    run_: Run
    offset_: float
    n_features_in_: int

    def __init__(
        self,
        model: str = "dense_ae",
        *,
        loss: Any = None,
        network: Any = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        contamination: float = 0.01,
        random_state: Any = None,
        run_dir: str | Path | None = None,
        **settings: Any,
    ) -> None:
        self.model = model
        self.loss = loss
        self.network = network
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.contamination = contamination
        self.random_state = random_state
        self.run_dir = run_dir
        for name, value in settings.items():
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments, those of other keys (`model__latent`) among them."""
        return {name: getattr(self, name) for name in (*_arguments(), *self._settings())}

    def set_params(self, **params: Any) -> Self:
        """Set arguments, and any other key of a training (`model__latent=4`).

        Raises:
            UserError: neither an argument nor a key of a training.
        """
        known = (*_arguments(), *self._settings())
        for name in params:
            if name not in known and name.partition("__")[0] not in _SECTIONS:
                raise UserError(
                    f"Detector has no parameter {name!r}; it has {', '.join(_arguments())}, and any key of a "
                    "training, such as model__latent"
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Train on entries.

        Args:
            X: `(N, F)` numbers, a table or a mapping name → column, `(N, S, F)`, `(N, C, H, W)`, tensors and awkward
                arrays of such.
            y: not looked at.
            sample_weight: `(N,)` event weights from 0; None for all the same.

        Raises:
            ValueError: entries or settings that cannot be used; `UserError` is one.
        """
        if not isinstance(self.contamination, float | int) or not 0 < self.contamination <= 0.5:
            raise UserError(f"contamination={self.contamination!r}: a share of the entries in (0, 0.5] is needed")
        entries, names = self._entries(X)
        if sample_weight is not None:
            of = entries if hasattr(entries, "shape") else given_array(entries).values
            sample_weight = _check_sample_weight(sample_weight, of, dtype=np.float32, ensure_non_negative=True)
        [sample] = memory_samples({BACKGROUND: entries}, names, {BACKGROUND: sample_weight})
        refuse_nonfinite([sample])
        if len(sample.x) < _FEWEST:
            raise UserError(f"{len(sample.x)} entries; {_FEWEST} or more are needed to train, validate and test")
        self.n_features_in_ = sample.x.shape[1 if sample.structure == "image" else -1]
        settings = self._as_settings()
        kind, words = usual_words(settings, sample, structures_of(settings))
        settings.words[:0] = words
        with tempfile.TemporaryDirectory(prefix="hepad-") as place:
            whole = self.run_dir is not None
            path = write_sample(sample, kind, None if whole else Path(place))
            self.run_ = self._trained(settings, path, Path(place))
        self.offset_ = float(np.percentile(self._scores_of(entries), 100 * self.contamination))
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return minus the anomaly score of each entry, `(N,)`: higher is more normal."""
        check_is_fitted(self)
        return self._scores_of(self._entries(X, reset=False)[0])

    def anomaly_score(self, X: Any) -> NDArray[np.float64]:
        """Return hepad's own score of each entry, `(N,)`: higher is more anomalous."""
        return -self.score_samples(X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return `score_samples(X) - offset_`, `(N,)`: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return −1 for outliers and 1 for all others, `(N,)`."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def _settings(self) -> list[str]:
        """Return the names of other keys that were given."""
        arguments = _arguments()
        return [name for name in vars(self) if name not in arguments and name[0] != "_" and name[-1] != "_"]

    def _as_settings(self) -> Settings:
        given: dict[str, Any] = {name: getattr(self, name) for name in self._settings()}
        if isinstance(self.loss, str):
            given["loss"] = self.loss
        keys = {"model.loss": None if isinstance(self.loss, str) else self.loss, "model.network": self.network}
        keys |= {"trainer.max_epochs": self.max_epochs, "data.batch_size": self.batch_size, "seed": self._seed()}
        given |= {key: value for key, value in keys.items() if value is not None}
        settings = read_settings([f"model={self.model}"], given)
        quick = {"logger": "none", "evaluation.plots": "true" if self.run_dir is not None else "false"}
        settings.words.extend(f"{key}={value}" for key, value in quick.items() if not settings.names(key))
        return settings

    def _seed(self) -> int | None:
        if self.random_state is None or isinstance(self.random_state, int | np.integer):
            return None if self.random_state is None else int(self.random_state)
        return int(check_random_state(self.random_state).randint(_LARGEST_SEED))

    def _entries(self, X: Any, reset: bool = True) -> tuple[Any, tuple[str, ...] | None]:
        """Return entries as they are read further, checked by scikit-learn's own rules where they are a table."""
        if not _is_ours(X):
            checked = validate_data(self, X, reset=reset, dtype=np.float32, ensure_min_samples=2 if reset else 1)
            names = getattr(self, "feature_names_in_", None)
            return checked, None if names is None else tuple(map(str, names))
        if reset:
            found = given_array(X)
            if found.names is not None:
                self.feature_names_in_ = np.array(found.names, dtype=object)
            elif hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
        return X, None

    def _scores_of(self, entries: Any) -> NDArray[np.float64]:
        return -self.run_.score(entries, device="cpu").astype(np.float64)

    def _trained(self, settings: Settings, sample: Path, place: Path) -> Run:
        if self.run_dir is not None:
            settings.words.append(f"data.samples.{BACKGROUND}={quoted(str(sample))}")
            return run_training(settings, None, run_dir=self.run_dir)
        directory = place / "run"
        parts = object_configs(settings.objects)
        config = _checked(compose_training(settings.words), parts) if parts else _checked_once(tuple(settings.words))
        moved = RunConfig.of(moved_paths(config.plain(), str(_PLACE), str(directory)))
        return _alone(moved.changed({"data.samples": {BACKGROUND: str(sample)}}), directory)


def _alone(config: RunConfig, directory: Path) -> Run:
    """Return a run of which nothing is kept but the model."""
    with in_a_session(quiet=True), exclusive_run_dir(directory):
        model, facts = train_alone(config, directory)
        digest = file_sha256(directory / "checkpoints" / "best.ckpt")
    return Run(directory, config, model, digest, directory, facts)


def _checked(cfg: DictConfig, parts: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    """Return the config of a run in `_PLACE`, whose sample is put in afterwards."""
    with as_command(cfg):
        # Any file will do for the check that there is one.
        return checked_config(cfg, {**parts, "data.samples": {BACKGROUND: __file__}}, _PLACE)


@cache
def _checked_once(words: tuple[str, ...]) -> RunConfig:
    """Return the config of words, composed and checked once: a search over parameters fits many times."""
    return _checked(compose_training(words), {})


@cache
def _arguments() -> tuple[str, ...]:
    """Return the names of the detector's own arguments."""
    found = inspect.signature(Detector.__init__).parameters.values()
    return tuple(each.name for each in found if each.kind is not each.VAR_KEYWORD and each.name != "self")


def _is_ours(X: Any) -> bool:
    """Return whether hepad knows entries that scikit-learn does not: ragged, structured, named, tensors, images."""
    is_tensor = type(X).__module__.partition(".")[0] == "torch"
    is_structured = getattr(getattr(X, "dtype", None), "names", None) is not None
    return isinstance(X, Mapping) or is_jagged(X) or is_tensor or is_structured or getattr(X, "ndim", 2) > 2
