"""Contributions to the scores of a latent search: what is left of each element at the codes that it found."""

import copy

import torch
from torch import Tensor

from hepad.core.batch import on_device
from hepad.core.float32 import at_least_float32
from hepad.data.entries import Entries
from hepad.inference.entry_search import EntrySearch
from hepad.inference.search import SearchResult
from hepad.losses import ReconstructionLoss
from hepad.models import Explanation, Searchable


def searched_contributions(search: EntrySearch, entries: Entries, score: Tensor) -> Explanation | None:
    """Return what each element of some entries contributes to their searched scores; None of a loss without elements.

    The search is done again for them, since what it makes of all tested entries would not fit: an entry's search
    depends on nothing but the entry, its place and the seed. Their sum misses of the score what rounding in another
    block of entries changes.

    Args:
        search: the search that made the scores.
        entries: N entries, as many as fit into a block.
        score: `(N,)` their scores.
    """
    found = search(entries)
    assert isinstance(search.model, Searchable)
    with torch.no_grad():
        target, mask = search.model.latent_target(on_device(entries.batch, search.model.device))
    x, mask = at_least_float32(target).cpu(), None if mask is None else mask.cpu()
    if not isinstance(search.search.loss, ReconstructionLoss):
        return None
    # A copy, as the loss itself stays where the search needs it.
    loss, values = copy.deepcopy(search.search.loss).cpu(), []
    for restart in range(found.made.shape[1]):
        terms = loss.elementwise(found.made[:, restart].cpu(), x)
        if terms is None or terms.shape != entries.batch.x.shape:
            return None
        values.append(_shares_of_mean(terms, mask))
    combined = _of_restarts(torch.stack(values, dim=1), found, search.search.settings.reduction)
    return Explanation(combined, score, torch.zeros_like(score), "terms")


def _shares_of_mean(terms: Tensor, mask: Tensor | None) -> Tensor:
    """Return terms `(N, …)` divided by the number of elements that count, so that they sum to their mean."""
    if mask is None:
        return terms / terms[0].numel()
    counted = torch.where(mask.unsqueeze(-1), terms, torch.zeros_like(terms))
    n_elements = mask.sum(dim=1).clamp(min=1) * terms.shape[-1]
    return counted / n_elements.view(-1, 1, 1)


def _of_restarts(values: Tensor, found: SearchResult, reduction: str) -> Tensor:
    """Return the mean over restarts `(N, R, …)` that did not fail, or those of the one of the lowest loss."""
    losses = found.sound_trace[..., -1].cpu()
    if reduction == "mean":
        share = (~losses.isnan()).to(values.dtype)
        share = share / share.sum(dim=1, keepdim=True).clamp(min=1)
    else:
        share = torch.nn.functional.one_hot(losses.nan_to_num(nan=torch.inf).argmin(dim=1), losses.shape[1]).to(values)
    weight = share.view(*share.shape, *[1] * (values.ndim - 2))
    # A restart that failed may have made NaN, which 0 would not remove.
    return torch.where(weight > 0, values * weight, torch.zeros_like(values)).sum(dim=1)
