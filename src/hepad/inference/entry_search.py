"""A latent search for entries in raw units: their codes drawn, the model's normaliser before it."""

import copy
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import on_device
from hepad.core.diagnostics import SearchExamples
from hepad.core.float32 import at_least_float32, weight_dtype
from hepad.data.entries import Entries
from hepad.inference.code_prior import CodePrior, draw_codes, start_codes
from hepad.inference.latent_search import LatentSearch
from hepad.inference.search import SearchResult
from hepad.models import AnomalyModel, Searchable
from hepad.nn import LatentNetwork

_EXAMPLE_STEPS: Final = 4


def searched_network(model: AnomalyModel) -> LatentNetwork:
    """Return what of a model is searched; weights of half precision as float32, in which small steps count."""
    assert isinstance(model, Searchable)
    network = model.latent_network()
    if weight_dtype(model.precision).itemsize >= torch.float32.itemsize:
        return network
    return network._replace(network=copy.deepcopy(network.network).float())


class EntrySearch:
    """Search for entries of one model.

    Args:
        search: the search itself.
        model: the model that is searched.
        prior: of the codes.
        own_codes: start from the model's codes of the entries, and near them.
        seed: of the codes drawn.
    """

    def __init__(self, search: LatentSearch, model: AnomalyModel, prior: CodePrior, own_codes: bool, seed: int) -> None:
        assert isinstance(model, Searchable)
        self.search = search
        self.model = model
        self.prior = prior
        self.own_codes = own_codes
        self.seed = seed

    def __call__(self, entries: Entries) -> SearchResult:
        """Search for some entries, in one block."""
        batch = on_device(entries.batch, self.model.device)
        rows = entries.index if entries.slot is None else np.stack([entries.index, entries.slot], axis=1)
        drawn = draw_codes(self.seed, rows, self.search.settings.n_seed, self.search.latent_shape)
        with torch.no_grad():
            target, mask = self.model.latent_target(batch)
            own = self.model.encode_batch(batch) if self.own_codes else None
        own = None if own is None else at_least_float32(own).cpu()
        start = start_codes(torch.from_numpy(drawn).float(), own, self.prior)
        return self.search.search(at_least_float32(target), start, mask)

    def of_steps(self, steps: int) -> "EntrySearch":
        """Return the same search with so many steps; its way is the beginning of a longer one's."""
        search = LatentSearch(
            self.search.generator,
            replace(self.search.settings, steps=steps),
            self.search.loss,
            device=self.search.device,
        )
        return EntrySearch(search, self.model, self.prior, self.own_codes, self.seed)


def search_examples(search: EntrySearch, entries: Entries, sample: str, scores: NDArray[np.float32]) -> SearchExamples:
    """Search again for the least, the middle and the most anomalous entry and look at what is made on the way.

    Args:
        search: the search that made the scores.
        entries: N entries.
        sample: where they are from.
        scores: `(N,)` their scores.
    """
    order = np.argsort(scores, kind="stable")
    rows = np.array([order[0], order[len(order) // 2], order[-1]])
    shown, model = entries.rows(rows), search.model
    last = search.search.settings.steps
    steps = sorted({round(last * part / (_EXAMPLE_STEPS - 1)) for part in range(_EXAMPLE_STEPS)})
    made = []
    for n_steps in steps:
        found = search.of_steps(n_steps)(shown).made[:, 0]
        raw = model.normalizer.inverse(found.to(model.device), shown.batch.x.to(model.device)).cpu()
        mask = shown.batch.mask
        made.append(raw if mask is None else torch.where(mask.unsqueeze(-1), raw, torch.zeros_like(raw)))
    return SearchExamples(sample, shown.batch, torch.stack(made, dim=1), steps, torch.from_numpy(scores[rows]))
