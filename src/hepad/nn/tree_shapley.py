"""Exact Shapley values of what decision trees say of an entry, against what they say of another."""

import torch
from torch import Tensor

from hepad.nn.trees import TreeEnsemble

_ENTRIES_TIMES_TREES = 1 << 15
_OF_ENTRY, _OF_REFERENCE = 1, 2


def tree_shapley(trees: TreeEnsemble, groups: Tensor, x: Tensor, reference: Tensor) -> Tensor:
    """Return the Shapley values `(B, G, F)`, float64, of sums over groups of trees: Σ_F = sums(x) − sums(reference).

    The players are the numbers of an entry; a number that does not play is that of the reference (interventional Tree
    SHAP: Lundberg et al., Nature Machine Intelligence 2, 2020, 56). Such a mixture comes to a leaf if every number
    that its path asks for, and that the two answer otherwise, is of the one that stays on the path. If those are a
    numbers of the entry and b of the reference, each of the a has (a − 1)! b! / (a + b)! of what the leaf says, and
    each of the b has −a! (b − 1)! / (a + b)! of it. Only leaves that some mixture comes to are looked at.

    Args:
        trees: the ensemble.
        groups: `(T,)` the group of each tree, from 0; −1 for a tree that does not count.
        x: `(B, F)` entries.
        reference: `(B, F)` what each is compared with.

    >>> import numpy as np
    >>> import torch
    >>> from hepad.nn import TreeEnsemble
    >>> from hepad.nn.tree_shapley import tree_shapley
    >>> from hepad.nn.trees import Tree
    >>> below, above = np.array([1, 1, 3, 3, 4]), np.array([2, 1, 4, 3, 4])
    >>> says = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    >>> both = Tree(np.array([0, 0, 1, 0, 0]), np.full(5, 0.5), np.ones(5, bool), below, above, says)
    >>> trees = TreeEnsemble(1, 5)
    >>> trees.set_tree(0, both)
    >>> tree_shapley(trees, torch.tensor([0]), torch.ones(1, 2), torch.zeros(1, 2))
    tensor([[[0.5000, 0.5000]]], dtype=torch.float64)
    """
    rows = torch.nonzero(groups >= 0).flatten()
    n_groups = int(groups.max()) + 1 if len(rows) else 0
    step = max(1, _ENTRIES_TIMES_TREES // max(1, len(rows)))
    found = [
        _of_some(trees, rows, groups[rows], n_groups, x[i : i + step].double(), reference[i : i + step].double())
        for i in range(0, len(x), step)
    ]
    return torch.cat(found) if found else x.new_zeros(0, n_groups, x.shape[1], dtype=torch.float64)


def _of_some(trees: TreeEnsemble, rows: Tensor, group: Tensor, n_groups: int, x: Tensor, reference: Tensor) -> Tensor:
    n, n_features = x.shape
    entry = torch.arange(n, device=x.device).repeat_interleave(len(rows))
    tree, place = rows.repeat(n), entry * n_groups + group.repeat(n)
    node = torch.zeros_like(tree)
    # Whose number a mixture must have for its path, where the two go different ways.
    whose = torch.zeros(len(tree), n_features, dtype=torch.int8, device=x.device)
    values = x.new_zeros(n * n_groups, n_features)
    while len(tree):
        left, right = trees.left[tree, node].long(), trees.right[tree, node].long()
        leaf = left == node
        values.index_add_(0, place[leaf], _shares(whose[leaf]) * trees.value[tree[leaf], node[leaf]].double()[:, None])
        entry, tree, place, node, whose, left, right = (
            part[~leaf] for part in (entry, tree, place, node, whose, left, right)
        )
        feature, each = trees.feature[tree, node].long(), torch.arange(len(tree), device=x.device)
        threshold, missing = trees.threshold[tree, node].double(), trees.missing_left[tree, node]
        by_entry, by_reference = (
            torch.where(torch.where(asked.isnan(), missing, asked <= threshold), left, right)
            for asked in (x[entry, feature], reference[entry, feature])
        )
        chosen = whose[each, feature]
        parts = torch.nonzero((chosen == 0) & (by_entry != by_reference)).flatten()
        other = whose[parts]
        whose[parts, feature[parts]] = _OF_ENTRY
        other[torch.arange(len(parts), device=x.device), feature[parts]] = _OF_REFERENCE
        node = torch.cat([torch.where(chosen == _OF_REFERENCE, by_reference, by_entry), by_reference[parts]])
        whose = torch.cat([whose, other])
        entry, tree, place = (torch.cat([part, part[parts]]) for part in (entry, tree, place))
    return values.reshape(n, n_groups, n_features)


def _shares(whose: Tensor) -> Tensor:
    """Return each number's share `(N, F)`, float64, of what leaves say."""
    own, others = whose == _OF_ENTRY, whose == _OF_REFERENCE
    a, b = own.sum(dim=1, keepdim=True).double(), others.sum(dim=1, keepdim=True).double()
    # x! is Γ(x + 1); where there are none, what is wrong of them counts for none.
    of_own = torch.exp(torch.lgamma(a.clamp(min=1)) + torch.lgamma(b + 1) - torch.lgamma(a + b + 1))
    of_others = torch.exp(torch.lgamma(a + 1) + torch.lgamma(b.clamp(min=1)) - torch.lgamma(a + b + 1))
    return of_own * own - of_others * others
