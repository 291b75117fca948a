"""Decision trees in fixed-point numbers: which numbers thresholds and leaves are, and what comes out, to the bit."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from hepad.core.errors import UserError
from hepad.firmware.fixed_point import FixedPoint, FloatArray
from hepad.models import AnomalyModel
from hepad.models.trees import Trees
from hepad.nn import TreeEnsemble


@dataclass(frozen=True, eq=False)
class ForestScorer:
    """Trees whose leaves are summed, so that a larger sum is more anomalous.

    Attributes:
        n_features: number F of features of an entry.
        trees: of which each entry comes to one leaf.
        offset: added to the sum.
        from_score: the sum that belongs to a score of the run, which rises with it.
        formula: the same in words.
    """

    n_features: int
    trees: TreeEnsemble
    offset: float
    from_score: Callable[[FloatArray], FloatArray]
    formula: str

    def score(self, x: FloatArray) -> FloatArray:
        """Return the sums `(B,)` of entries `(B, F)`, float64."""
        return _summed(self.trees, x) + self.offset


@dataclass(frozen=True, eq=False)
class RoundedForest:
    """Trees whose thresholds, leaves and sums are fixed-point numbers.

    Attributes:
        forest: with its rounded thresholds and leaves.
        exponents: `(F,)`; each feature is shifted by so many places, x · 2^k, before it is given to the trees.
        given: numbers of shifted features and thresholds, rounded down.
        score_format: numbers of leaves and sums; none overflows.
    """

    forest: ForestScorer
    exponents: FloatArray
    given: FixedPoint
    score_format: FixedPoint

    def shifted(self, x: FloatArray) -> FloatArray:
        """Return raw entries `(B, F)` as the trees are given them, before they are rounded."""
        return x * np.exp2(self.exponents)

    def score(self, x: FloatArray) -> FloatArray:
        """Return the sums `(B,)` of raw entries, as firmware computes them."""
        return self.forest.score(_down(self.given, self.shifted(x)))


def forest_of(model: AnomalyModel) -> ForestScorer:
    """Return the trees of an isolation forest, or of one boosted classifier, in floats.

    Raises:
        UserError: another model, or several classifiers, whose mean probability is no sum of leaves.
    """
    if not isinstance(model, Trees):
        raise UserError(
            f"model {type(model).__name__} has no trees; format=conifer takes model=isolation_forest, and model=trees "
            "with model.members=1 (a network: format=hls4ml)"
        )
    n_features = math.prod(model.entry_shape)
    if model.kind == "boosting":
        if model.members != 1:
            raise UserError(
                f"model.members={model.members}: the mean probability of several classifiers is no sum of leaves; "
                "model.members=1 can be firmware (model.max_iter says how many trees it has)"
            )
        trees = _part(model.trees, int(model.grown[0]))
        return ForestScorer(n_features, trees, float(model.baseline[0]), lambda score: score, "score")
    trees, depth = _part(model.trees, len(model.trees.feature)), float(model.depth_scale)
    trees.value.div_(-len(trees.value))
    return ForestScorer(n_features, trees, 0.0, lambda score: depth * np.log2(score), f"{depth!r} * log2(score)")


def rounded_forest(forest: ForestScorer, width: int, score_width: int = 16) -> RoundedForest:
    """Return trees with thresholds of `width` bits and leaves of `score_width`.

    Features are shifted, by a power of two each, until all of their thresholds are between −1 and 1; what is beyond
    saturates, and is on the same side of all thresholds. Both sides of a comparison are rounded down: an entry goes
    another way only where its value and the threshold are within one step.

    >>> import numpy as np
    >>> from hepad.firmware.trees import ForestScorer, rounded_forest
    >>> from hepad.nn import TreeEnsemble
    >>> from hepad.nn.trees import Tree
    >>> below, above = np.array([1, 1, 2]), np.array([2, 1, 2])
    >>> trees = TreeEnsemble(1, 3)
    >>> leaves = np.array([0.0, -1.3, 1.3])
    >>> trees.set_tree(0, Tree(np.zeros(3, int), np.full(3, 40.3), np.ones(3, bool), below, above, leaves))
    >>> found = rounded_forest(ForestScorer(1, trees, 0.0, lambda score: score, "score"), 8, 4)
    >>> found.exponents, found.score(np.array([[40.0], [41.0], [1e6]])).tolist()
    (array([-6.]), [-1.25, 1.25, 1.25])
    """
    trees = copy.deepcopy(forest.trees)
    inner = trees.left != torch.arange(trees.left.shape[1])
    feature, threshold = trees.feature[inner].numpy(), trees.threshold[inner].numpy()
    given = FixedPoint(width, 1)
    exponents = np.zeros(forest.n_features)
    for column in np.unique(feature):
        size = np.abs(threshold[feature == column]).max()
        # Strictly between: what saturates must be beyond the last threshold.
        reach = FixedPoint.holding(np.array([size]), width)
        while size >= reach.largest:
            reach = FixedPoint(width, reach.integer + 1)
        exponents[column] = 1 - reach.integer
    shift = torch.from_numpy(np.exp2(exponents))[trees.feature.long()]
    trees.threshold.copy_(torch.from_numpy(_down(given, (trees.threshold * shift).numpy())))
    bound = abs(forest.offset) + float(trees.value.abs().amax(dim=1).sum())
    # The product with a norm of 1 must be possible.
    numbers = FixedPoint(score_width, max(2, FixedPoint.holding(np.array([bound]), score_width).integer))
    trees.value.copy_(torch.from_numpy(numbers.nearest(trees.value.numpy())))
    offset = float(numbers.nearest(np.array([forest.offset]))[0])
    rounded = ForestScorer(forest.n_features, trees, offset, forest.from_score, forest.formula)
    return RoundedForest(rounded, exponents, given, numbers)


def _down(numbers: FixedPoint, values: FloatArray) -> FloatArray:
    half = 2.0 ** (numbers.width - 1)
    found: FloatArray = np.clip(np.floor(values / numbers.step), -half, half - 1) * numbers.step
    return found


def _summed(trees: TreeEnsemble, x: FloatArray) -> FloatArray:
    with torch.no_grad():
        found: FloatArray = trees(torch.from_numpy(x)).sum(dim=1).numpy()
    return found


def _part(trees: TreeEnsemble, n: int) -> TreeEnsemble:
    """Return a copy of the first trees, whose inner nodes have no value."""
    found = TreeEnsemble(n, trees.feature.shape[1])
    for name, buffer in trees.named_buffers():
        getattr(found, name).copy_(buffer[:n])
    found.value[found.left != torch.arange(found.left.shape[1])] = 0.0
    return found
