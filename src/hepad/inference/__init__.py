"""Latent search: scores by how well a generator can be made to reproduce an entry; the engine, and its callback."""

from hepad.inference.code_prior import SEEDS, draw_codes
from hepad.inference.latent_search import DEFAULT_MEMORY, LatentSearch
from hepad.inference.search import SearchResult, reduce_restarts
from hepad.inference.search_callback import LatentSearchInference
from hepad.inference.search_settings import SearchSettings

__all__ = [
    "DEFAULT_MEMORY",
    "SEEDS",
    "LatentSearch",
    "LatentSearchInference",
    "SearchResult",
    "SearchSettings",
    "draw_codes",
    "reduce_restarts",
]
