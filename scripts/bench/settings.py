"""Settings of the benchmarks: how much is done, where, and how often."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODELS: Final = (
    "dense_ae", "td_ae", "conv_ae", "cicada_ae", "vae", "denoising_ae", "sparse_ae", "gan", "bigan", "distilled",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Settings of one run of the suite.

    Attributes:
        work: a directory for files that are made and thrown away.
        device: `cpu` or `cuda`.
        rounds: how often each thing is measured.
        models: whose training is measured.
        batch_sizes: of trainings.
        entries: structure of entries → how many are trained on.
        n_scored: jets that are scored.
        n_searched: entries that a latent search is given.
        growth: numbers of entries that rate and memory are measured for.
        n_events: simulated.
        seconds: about how long one round of a training may take; fewer entries are taken where it would be longer.
        logger: of the trainings.
    """

    work: Path
    device: str = "cpu"
    rounds: int = 5
    models: tuple[str, ...] = MODELS
    batch_sizes: tuple[int, ...] = (512, 1024, 8192)
    n_vectors: int = 131_072
    n_sets: int = 32_768
    n_images: int = 16_384
    n_scored: int = 1_000_000
    n_searched: int = 256
    growth: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    n_events: int = 200
    seconds: float = 0.4
    logger: str = "wandb"

    def entries_of(self, structure: str) -> int:
        """Return how many entries of a structure are trained on at most."""
        return {"vector": self.n_vectors, "set": self.n_sets, "image": self.n_images}[structure]


def tiny(work: Path, device: str = "cpu") -> Settings:
    """Return settings by which every part takes a moment and measures nothing: for tests."""
    return Settings(
        work, device, rounds=1, models=("dense_ae", "gan"), batch_sizes=(64,), n_vectors=256, n_sets=128, n_images=128,
        n_scored=2000, n_searched=2, growth=(500, 1000), n_events=2, seconds=0.01, logger="none",
    )  # fmt: skip
