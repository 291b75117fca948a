"""Decision trees: boosted ones that tell two samples apart, and the isolation forest."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from torch import Tensor
from torch.nn import functional as F

from hepad.core.batch import Batch, drawn_by_weight
from hepad.core.schema import Structure
from hepad.models.fitted import FittedModel, drawn_seed, entry_columns
from hepad.models.labels import class_weights, known_labels
from hepad.nn.tree_shapley import tree_shapley
from hepad.nn.trees import Tree, TreeEnsemble

KINDS: Final = ("boosting", "isolation_forest")

_SUBSAMPLE: Final = 256
_IN_LEAF: Final = 20
_NODES: Final = 32


class Trees(FittedModel):
    """Decision trees of scikit-learn, kept as arrays.

    | kind | score |
    |---|---|
    | `boosting` | logit of the mean probability of label 1 (`data.train`) over `members` boosted classifiers |
    | `isolation_forest` | 2^(−depth / c), how soon random cuts leave an entry alone (Liu, Ting and Zhou, ICDM 2008) |

    Each boosted classifier has a half of the training entries of its own, drawn at random, to learn from, and the other
    half says when it stops; both labels weigh the same; a leaf holds 20 entries at least, of fewer than 200 a tenth. A
    mean over 50 of them is what
    "Back to the Roots" uses (Finke et al., arXiv:2309.13111); unlike a network they hardly mind columns of noise.

    Args:
        entry_shape: `(F,)`.
        kind: one of the above.
        members: how many boosted classifiers.
        max_iter: most trees of each.
        max_leaf_nodes: most leaves of a tree.
        learning_rate: of boosting.
        validation_fraction: share of the entries that says when to stop.
        n_trees: how many trees the isolation forest has, each of 256 entries.

    Raises:
        ValueError: an unknown kind.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import Trees
    >>> _ = torch.manual_seed(0)
    >>> model = Trees((2,), kind="isolation_forest", n_trees=20)
    >>> model.prepare(Batch(torch.randn(500, 2)))
    >>> usual, odd = model.anomaly_score(Batch(torch.tensor([[0.0, 0.0], [4.0, 4.0]])))
    >>> bool(usual < odd)
    True
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector"})
    fits_all_entries: ClassVar[bool] = True

    baseline: Tensor
    grown: Tensor
    depth_scale: Tensor
    class_weight: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        kind: str = "boosting",
        members: int = 10,
        max_iter: int = 200,
        max_leaf_nodes: int = 31,
        learning_rate: float = 0.1,
        validation_fraction: float = 0.5,
        n_trees: int = 200,
    ) -> None:
        super().__init__(entry_shape)
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r}; allowed: {', '.join(KINDS)}")
        self.save_hyperparameters()
        self.kind, self.members, self.max_iter = kind, members, max_iter
        self.max_leaf_nodes, self.learning_rate = max_leaf_nodes, learning_rate
        self.validation_fraction = validation_fraction
        if kind == "boosting":
            self.trees = TreeEnsemble(members * max_iter, 2 * max_leaf_nodes - 1)
        else:
            self.trees = TreeEnsemble(n_trees, 2 * _SUBSAMPLE - 1)
        self.register_buffer("baseline", torch.zeros(members, dtype=torch.float64))
        self.register_buffer("grown", torch.zeros(members, dtype=torch.int64))
        self.register_buffer("depth_scale", torch.ones((), dtype=torch.float64))
        self.register_buffer("class_weight", torch.ones(2))

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return true for a logit."""
        return str(settings.get("kind", "boosting")) == "boosting"

    @classmethod
    def learns_labels(cls, settings: Mapping[str, Any]) -> bool:
        """Return true for boosted trees; the isolation forest learns one class."""
        return str(settings.get("kind", "boosting")) == "boosting"

    def prepare(self, train: Batch) -> None:
        """Grow the trees.

        Raises:
            ValueError: for boosted trees, entries without labels, of one label alone, or with others than 0 and 1.
        """
        if self.kind == "boosting":
            self._boost(train)
        else:
            self._isolate(drawn_by_weight(train))

    def losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` cross entropies with balanced labels; of a forest the scores."""
        scores = self.score_batch(batch)
        if self.kind != "boosting":
            return scores
        label = known_labels(batch)
        return (
            F.binary_cross_entropy_with_logits(scores, label.to(scores.dtype), reduction="none")
            * (self.class_weight[label])
        )

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores."""
        x = entry_columns(batch)
        if self.kind != "boosting":
            return torch.exp2(-self.trees(x).mean(dim=1) / self.depth_scale).to(x.dtype)
        raw = self.member_logits(x)
        log_one, log_zero = (torch.logsumexp(F.logsigmoid(sign * raw), dim=1) for sign in (1, -1))
        return (log_one - log_zero).to(x.dtype)

    def member_logits(self, x: Tensor) -> Tensor:
        """Return the logits `(B, members)`, float64, of every boosted classifier for entries `(B, F)`."""
        said = []
        for i, n_trees in enumerate(self.grown.cpu().tolist()):
            first = i * self.max_iter
            said.append(self.baseline[i] + self.trees(x, slice(first, first + n_trees)).sum(dim=1))
        return torch.stack(said, dim=1)

    def contributions_from(self, batch: Batch, baseline: Tensor) -> Tensor:
        """Return the `(B, F)` contributions that sum to the score less that of the baseline `(B, F)`.

        They are exact Shapley values of each forest's depth or member's logit (`hepad.nn.tree_shapley`). The score is a
        curved function of these, and each has the share of it that integrated gradients on the straight way between
        the two give: of the one depth, the whole change.
        """
        x, start = entry_columns(batch), baseline.flatten(1)
        groups = torch.full((len(self.trees.feature),), -1, device=x.device)
        if self.kind != "boosting":
            groups[:] = 0
            depths, before = (self.trees(each).mean(dim=1) / self.depth_scale for each in (x, start))
            # (2^−d − 2^−d₀) / (d − d₀), also where the two are the same.
            half = 0.5 * math.log(2) * (depths - before)
            ratio = torch.where(half == 0, 1.0, torch.sinh(half) / torch.where(half == 0, 1.0, half))
            slope = -math.log(2) * torch.exp2(-0.5 * (depths + before)) * ratio
            values = tree_shapley(self.trees, groups, x, start)[:, 0]
            return values * (slope / (self.depth_scale * len(groups))).unsqueeze(1)
        for i, n_trees in enumerate(self.grown.cpu().tolist()):
            groups[i * self.max_iter : i * self.max_iter + n_trees] = i
        slopes = mean_slopes(self.member_logits(start), self.member_logits(x))
        return torch.einsum("bg,bgf->bf", slopes, tree_shapley(self.trees, groups, x, start))

    def _boost(self, train: Batch) -> None:
        self.class_weight.copy_(class_weights(train))
        x, label = entry_columns(train).cpu().double().numpy(), known_labels(train).cpu()
        weight = self.class_weight[label].double() * (1 if train.weight is None else train.weight.cpu().double())
        rng = np.random.default_rng(drawn_seed())
        for i in range(self.members):
            learns, stops = split_for_stopping(label.numpy(), self.validation_fraction, rng)
            grown = HistGradientBoostingClassifier(
                max_iter=self.max_iter, max_leaf_nodes=self.max_leaf_nodes, learning_rate=self.learning_rate,
                min_samples_leaf=min(_IN_LEAF, 1 + len(learns) // 10),
                early_stopping=True, random_state=int(rng.integers(2**31)),
            ).fit(
                x[learns], label.numpy()[learns], weight.numpy()[learns], X_val=x[stops], y_val=label.numpy()[stops],
                sample_weight_val=weight.numpy()[stops],
            )  # fmt: skip
            self.baseline[i] = float(grown._baseline_prediction.item())
            self.grown[i] = len(grown._predictors)
            for j, (predictor,) in enumerate(grown._predictors):
                self.trees.set_tree(i * self.max_iter + j, _boosted_tree(predictor.nodes))

    def _isolate(self, train: Batch) -> None:
        forest = IsolationForest(n_estimators=len(self.trees.feature), random_state=drawn_seed())
        forest.fit(entry_columns(train).cpu().numpy())
        for i, estimator in enumerate(forest.estimators_):
            self.trees.set_tree(i, _isolation_tree(estimator.tree_))
        self.depth_scale.fill_(max(_mean_depth(forest.max_samples_), 1e-300))


def mean_slopes(start: Tensor, end: Tensor) -> Tensor:
    """Return the mean gradient `(B, M)` of the logit of the mean of σ(l) on the straight way between logits `(B, M)`.

    >>> import torch
    >>> from hepad.models.trees import mean_slopes
    >>> round(mean_slopes(torch.tensor([[0.0]]).double(), torch.tensor([[3.0]]).double()).item(), 6)
    1.0
    """
    total = torch.zeros_like(end)
    for at, weight in zip(*np.polynomial.legendre.leggauss(_NODES), strict=True):
        logits = start + 0.5 * (1 + at) * (end - start)
        p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
        total += 0.5 * weight * p * q * (1 / p.sum(dim=1, keepdim=True) + 1 / q.sum(dim=1, keepdim=True))
    return total


def split_for_stopping(label: Any, fraction: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return the rows that a classifier learns from and those that say when it stops, of each label its share.

    At least one entry of each label is in either.

    >>> import numpy as np
    >>> from hepad.models.trees import split_for_stopping
    >>> learns, stops = split_for_stopping(np.array([0, 0, 0, 0, 1, 1]), 0.5, np.random.default_rng(0))
    >>> len(learns), len(stops), sorted([*learns.tolist(), *stops.tolist()])
    (3, 3, [0, 1, 2, 3, 4, 5])
    """
    parts: tuple[list[Any], list[Any]] = ([], [])
    for value in (0, 1):
        rows = rng.permutation(np.flatnonzero(label == value))
        n = min(max(1, round(fraction * len(rows))), max(1, len(rows) - 1))
        parts[1].append(rows[:n])
        parts[0].append(rows[n:])
    learns, stops = (np.sort(np.concatenate(rows)) for rows in parts)
    return learns, stops


def _boosted_tree(nodes: Any) -> Tree:
    """The tree of scikit-learn's structured array of nodes."""
    leaf, itself = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
    return Tree(
        feature=np.where(leaf, 0, nodes["feature_idx"]),
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, itself, nodes["left"].astype(np.int64)),
        right=np.where(leaf, itself, nodes["right"].astype(np.int64)),
        value=nodes["value"],
    )


def _isolation_tree(tree: Any) -> Tree:
    """The tree of scikit-learn's arrays, whose leaves say how deep they lie, or would if all entries were alone."""
    leaf, itself = tree.children_left < 0, np.arange(tree.node_count)
    left, right = (np.where(leaf, itself, below) for below in (tree.children_left, tree.children_right))
    depth = np.zeros(tree.node_count)
    # Nodes come after those above them.
    for node in itself[~leaf]:
        depth[[left[node], right[node]]] = depth[node] + 1
    rest = np.array([_mean_depth(n) for n in tree.n_node_samples])
    return Tree(
        feature=np.where(leaf, 0, tree.feature),
        threshold=tree.threshold,
        missing_left=np.zeros(tree.node_count, dtype=bool),
        left=left,
        right=right,
        value=depth + rest,
    )


def _mean_depth(n: float) -> float:
    """The mean depth of n entries in a tree of random cuts until each is alone: c(n) of the isolation forest."""
    if n <= 1:
        return 0.0
    return 1.0 if n == 2 else 2 * (math.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n
