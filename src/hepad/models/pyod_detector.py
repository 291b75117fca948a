"""Detectors of pyod by name, fitted to a part of the training entries that the checkpoint keeps."""

import random
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.config.detectors import find_detector
from hepad.core.batch import Batch, drawn_by_weight
from hepad.core.errors import UserError, one_line
from hepad.core.schema import Structure
from hepad.models.fitted import FittedModel, drawn_seed, entry_columns
from hepad.models.tail_probabilities import TAILS, tail_scores
from hepad.nn.exact import ExactBuffers

Scorer = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_PROBED: Final = 12
_ROUNDING: Final = 1e-6

# A fit seeds global random numbers, and scores are made by several threads.
_fitting = threading.RLock()


class FittedTo(ExactBuffers):
    """Entries that a detector is fitted to, and the seed of its random numbers.

    Args:
        most: how many there may be.
        n_features: number F of their columns.
    """

    entries: Tensor
    count: Tensor
    seed: Tensor

    def __init__(self, most: int, n_features: int) -> None:
        super().__init__()
        self.register_buffer("entries", torch.zeros(most, n_features, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("seed", torch.zeros((), dtype=torch.int64))


class PyodDetector(FittedModel):
    """Any detector of pyod (Zhao, Nasrullah and Li, JMLR 20 (2019) 96) that takes a table, by its name.

    A fitted detector could be kept as a pickle alone, which would run whatever a stranger put into it. So the
    checkpoint keeps what it is fitted to, at most `max_entries` normalised training entries drawn at random, and a
    seed; whoever loads the model fits it again, to the same bits with the same versions of pyod and what it needs.

    A score is that of an entry alone. What pyod says of an entry may depend on the others of its batch; that is found
    out when a detector is fitted, and each entry is then scored by itself, one after the other. One that says nothing
    of an entry alone is refused. ECOD and COPOD, of that kind, are computed by hepad, for many entries at a time
    (`hepad.models.tail_probabilities`).

    Args:
        entry_shape: `(F,)`.
        detector: name of its class, such as `ECOD`.
        parameters: its arguments; None for pyod's own defaults.
        max_entries: most training entries that it is fitted to.
        normalizer: kind of input normaliser.

    Raises:
        UserError: pyod is not installed, has no such detector or no such argument, or the detector does not take such
            entries.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import PyodDetector
    >>> _ = torch.manual_seed(0)
    >>> model = PyodDetector((2,), detector="KNN", parameters={"n_neighbors": 3})
    >>> model.prepare(Batch(torch.randn(100, 2)))
    >>> usual, odd = model.anomaly_score(Batch(torch.tensor([[0.0, 0.0], [4.0, 4.0]])))
    >>> bool(usual < odd)
    True
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector"})
    signed_score = True

    of_training: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        detector: str = "ECOD",
        parameters: Mapping[str, Any] | None = None,
        max_entries: int = 2000,
        normalizer: str = "standard",
    ) -> None:
        super().__init__(entry_shape, normalizer)
        self.arguments = dict(parameters or {})
        self.detector = find_detector(detector, self.arguments)
        self.save_hyperparameters()
        self.fitted_to = FittedTo(max_entries, self.entry_shape[0])
        self.register_buffer("of_training", torch.zeros((), dtype=torch.int64))
        self._scorer: tuple[Scorer, bool] | None = None

    def prepare(self, train: Batch) -> None:
        """Draw the entries, and fit the detector to them.

        Raises:
            UserError: it does not take them, or says nothing of an entry alone.
        """
        super().prepare(train)
        z = self.normalizer(entry_columns(drawn_by_weight(train))).double()
        kept = self.fitted_to
        n = min(len(z), len(kept.entries))
        rows = torch.randperm(len(z))[:n].sort().values
        kept.entries.zero_()
        kept.entries[:n] = z[rows.to(z.device)].to(kept.entries.device)
        kept.count.fill_(n)
        kept.seed.fill_(drawn_seed())
        self.of_training.fill_(len(z))
        self._scorer = None
        self._fitted()

    def _load_from_state_dict(self, *args: Any, **options: Any) -> None:
        super()._load_from_state_dict(*args, **options)
        # What it was fitted to are other entries now.
        self._scorer = None

    def remarks(self) -> list[str]:
        """Say that it saw a part of the entries, and where each is scored by itself."""
        found = []
        n, of_all = int(self.fitted_to.count), int(self.of_training)
        if n < of_all:
            found.append(f"{self.detector.name} is fitted to {n} of {of_all} training entries (model.max_entries)")
        if n and self._fitted()[1]:
            found.append(
                f"pyod's {self.detector.name} scores an entry by the others of its batch; here each is scored alone, "
                "which takes long: fewer model.max_entries make it faster"
            )
        return found

    def losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores."""
        return self.score_batch(batch)

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores of pyod."""
        x = entry_columns(batch)
        z = self.normalizer(x).detach().cpu().double().numpy()
        return torch.from_numpy(self._scores(z)).to(x)

    def _scores(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        if not len(z):
            return np.zeros(0)
        if not int(self.fitted_to.count):
            raise ValueError("a PyodDetector scores nothing before prepare() has fitted it")
        scorer, alone = self._fitted()
        return np.concatenate([scorer(row[None]) for row in z]) if alone else scorer(z)

    def _fitted(self) -> tuple[Scorer, bool]:
        """Return what scores entries `(N, F)`, and whether it has to be asked for one at a time."""
        with _fitting:
            if self._scorer is None:
                z = self.fitted_to.entries[: int(self.fitted_to.count)].cpu().numpy()
                self._scorer = self._fit(z, int(self.fitted_to.seed))
            return self._scorer

    def _fit(self, z: NDArray[np.float64], seed: int) -> tuple[Scorer, bool]:
        name = self.detector.name
        if name in TAILS:
            return (lambda x: tail_scores(z, x, name)), False
        parameters = dict(self.arguments)
        if "random_state" in self.detector.arguments:
            parameters.setdefault("random_state", seed)
        try:
            with seeded(seed):
                made = getattr(import_module(f"pyod.models.{self.detector.module}"), name)(**parameters)
                made.fit(z)
                scorer = _as_columns(made.decision_function)
                probed = z[np.linspace(0, len(z) - 1, min(_PROBED, len(z))).astype(int)]
                together, again = scorer(probed), scorer(probed)
        except ImportError as error:
            raise UserError(f"model.detector={name} needs more than pyod: {one_line(error)}") from error
        except Exception as error:
            raise UserError(
                f"model.detector={name} does not take {len(z)} entries of {z.shape[1]} columns: {one_line(error)}"
            ) from error
        if not np.array_equal(together, again):
            raise UserError(
                f"model.detector={name} scores the same entries differently each time; choose another, such as ECOD"
            )
        return scorer, not scored_alone(scorer, probed, together, name)


def scored_alone(
    scorer: Scorer, probed: NDArray[np.float64], together: NDArray[np.float64], name: str = "the detector"
) -> bool:
    """Return whether entries have the same scores alone and together.

    Args:
        scorer: of entries `(N, F)`.
        probed: some entries.
        together: their scores `(N,)` in one batch.
        name: of the detector.

    Raises:
        UserError: it cannot score an entry alone, or says the same of all.

    >>> import numpy as np
    >>> from hepad.models.pyod_detector import scored_alone
    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> scored_alone(lambda x: x[:, 0], x, x[:, 0])
    True
    >>> scored_alone(lambda x: x[:, 0] - 0.1 * x.mean(), x, x[:, 0] - 0.1 * x.mean())
    False
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = np.concatenate([scorer(row[None]) for row in probed])
    except Exception:
        alone = np.full(len(probed), np.nan)
    if np.allclose(together, alone, rtol=_ROUNDING, atol=_ROUNDING * float(np.ptp(together))):
        return True
    if not np.isfinite(alone).all() or np.ptp(alone) <= _ROUNDING * np.abs(alone).max():
        raise UserError(
            f"model.detector={name} scores an entry only by comparison with others of its batch, and an anomaly score "
            "is that of an entry alone; choose another, such as ECOD or KNN"
        )
    return False


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed all random numbers of a block, silence its warnings, and put the random numbers back as they were."""
    # pyod draws from NumPy's global random numbers.
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), torch.inference_mode(False), torch.enable_grad():
        warnings.simplefilter("ignore")
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002


def _as_columns(decision: Callable[[Any], Any]) -> Scorer:
    def scorer(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(decision(x), dtype=np.float64).reshape(-1)

    return scorer
