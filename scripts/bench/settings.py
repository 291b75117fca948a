"""Settings of the benchmarks: how much is done, where, and how often."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODELS: Final = (
    "dense_ae", "td_ae", "conv_ae", "cicada_ae", "vae", "denoising_ae", "sparse_ae", "gan", "bigan", "distilled",
    "deep_svdd",
)  # fmt: skip
NOT_TIMED: Final = {
    "bib_ae": "scripts/shower_study.py, with what it makes per second",
    "classifier": "as the other perceptrons, of two samples",
    "flow": "scripts/benchmark_flow.py, beside zuko alone",
    "flow_matching": "scripts/benchmark_flow.py, beside the flow",
    "trees": "fitted at once",
    "isolation_forest": "fitted at once",
    "gmm": "fitted at once",
    "double_ae": "two of the dense autoencoder",
    "graph_ae": "most of its time goes into the rounds of Sinkhorn",
    "nae": "most of its time goes into the steps of its chains",
    "pyod": "fitted at once",
}
"""Models whose training the suite does not time, and why."""


@dataclass(frozen=True)
class Settings:
    """Settings of one run of the suite.

    Attributes:
        work: a directory for files that are made and thrown away.
        device: `cpu` or `cuda`.
        rounds: how often each thing is measured.
        models: whose training is measured.
        batch_sizes: of trainings.
        n_vectors, n_sets, n_images: entries that are trained on, by their structure.
        most_steps: of an epoch; fewer entries are trained on where there would be more.
        n_scored: jets that are scored.
        n_served: jets that are asked for of a server, in each round.
        served_batches: of them in a request.
        clients: processes that ask at a time.
        n_streamed: jets that are streamed to measure memory; an eighth of them to measure rates.
        n_searched: entries that a latent search is given.
        search_steps: of each of its restarts.
        growth: numbers of entries that rate and memory are measured for.
        most_trained: the largest of them that is trained on.
        grown_batches, widths: sizes of batches and of a network's hidden layer that rates are measured for.
        n_events: simulated; five hundred times as many are converted.
        compared: numbers of runs that are compared.
        default_words: further words of the default run's command line.
        logger: of the trainings.
    """

    work: Path
    device: str = "cpu"
    rounds: int = 3
    models: tuple[str, ...] = MODELS
    batch_sizes: tuple[int, ...] = (512, 1024, 8192)
    n_vectors: int = 131_072
    n_sets: int = 32_768
    n_images: int = 2560
    most_steps: int = 128
    n_scored: int = 1_000_000
    n_served: int = 100_000
    served_batches: tuple[int, ...] = (1, 100, 1000, 10_000)
    clients: int = 4
    n_streamed: int = 8_000_000
    n_searched: int = 128
    search_steps: int = 19
    growth: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    most_trained: int = 1_000_000
    grown_batches: tuple[int, ...] = (64, 256, 1024, 4096, 16384)
    widths: tuple[int, ...] = (16, 64, 256, 1024)
    n_events: int = 200
    compared: tuple[int, ...] = (5, 20)
    default_words: tuple[str, ...] = ()
    logger: str = "wandb"

    def entries_of(self, structure: str, batch_size: int) -> int:
        """Return how many entries of a structure a sample has, some of which validate and test."""
        wanted = {"vector": self.n_vectors, "set": self.n_sets, "image": self.n_images}[structure]
        return min(wanted, 2 * self.most_steps * batch_size)


def tiny(work: Path, device: str = "cpu") -> Settings:
    """Return settings by which every part takes a moment and measures nothing: for tests."""
    quick_run = ("data.limit=500", "trainer.max_epochs=1", "evaluation.plots=false", "logger=none")
    return Settings(
        work, device, rounds=1, models=("dense_ae", "gan", "distilled"), batch_sizes=(64,), n_vectors=256, n_sets=256,
        n_images=256, n_scored=2000, n_served=40, served_batches=(10,), clients=2, n_streamed=16_000,
        n_searched=2, search_steps=2, growth=(500, 1000), grown_batches=(32,),
        widths=(16,), n_events=2, compared=(2,), default_words=quick_run, logger="none",
    )  # fmt: skip
