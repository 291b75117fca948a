"""The generator card of a run: entries that its model makes up, or a file of such, against held-out real ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from hepad.config import RunConfig
from hepad.config.keys.check import check_sections
from hepad.config.registry import check_targets
from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text, file_sha256
from hepad.core.hdf5 import write_hdf5
from hepad.core.inputs import Given
from hepad.core.progress import progress
from hepad.data import AnomalyDataModule, Entries
from hepad.data.parts import refuse_trained
from hepad.formats.direct import direct_file
from hepad.generators import CardSettings, GeneratorCard, generator_card, generator_metrics
from hepad.generators.card import N_STEPS
from hepad.logging.generator_card import log_card
from hepad.logging.lineage import data_inputs, run_input
from hepad.logging.log import log_inputs, log_origin
from hepad.logging.loggers import build_loggers, quieten, wandb_identity
from hepad.logging.secret_words import refuse_secrets
from hepad.models import Generative
from hepad.plots.processes import DrawingProcesses
from hepad.results.generator_figures import generator_figures
from hepad.results.generator_page import write_generator_page
from hepad.results.run_figures import save_figures
from hepad.run.evaluation_config import evaluation_config, given_keys
from hepad.run.evaluation_directory import evaluation_directory, made_directory, with_record_named
from hepad.run.executing import Clock
from hepad.run.generating import generate_file
from hepad.run.held_out import own_data
from hepad.run.loading import Run, load_run
from hepad.run.populations import population, training_population
from hepad.run.provenance import command_words, provenance, write_provenance
from hepad.rundir.facts import METRICS, read_provenance

FEWEST: Final = 100
"""Entries in each half of the held-out real ones below which there is no card."""


@dataclass(frozen=True, eq=False)
class CardResult:
    """A card that was written.

    Attributes:
        directory: of the card.
        card: its numbers.
        metrics: the same under flat names, as in metrics.json.
        warnings: what a reader should know.
    """

    directory: Path
    card: GeneratorCard
    metrics: Mapping[str, float]
    warnings: Sequence[str]


def make_generator_card(cfg: RunConfig, words: Sequence[str]) -> CardResult:
    """Write the card of a run's generator into `<run>/evaluations/<name>/`.

    Held-out real entries are halved at random, all entries of a row of the file together: generated entries are
    compared with one half, and so is the other half, which is the floor. A conditional model is given the context of
    the second half.

    Args:
        cfg: `configs/generator_card.yaml`, composed.
        words: the command line.

    Raises:
        UserError: no such run, a model that makes nothing up and no sample, files that cannot be used, or a name that
            is taken; nothing was written.
        JobError: what the model makes up is not finite.
    """
    quieten()
    clock = Clock()
    run_dir = Path(str(cfg.value("run"))).expanduser().absolute()
    run = load_run(run_dir)
    directory = evaluation_directory(run_dir, cfg.value("name"))
    config = evaluation_config(cfg, run.settings, words)
    check_targets(config.plain())
    check_sections(config.plain())
    refuse_secrets(config)
    sample: Given | None = cfg.value("sample")
    if sample is None and not isinstance(run.model, Generative):
        raise UserError(
            f"{run_dir} cannot generate: {type(run.model).__name__} makes no entries up; runs of models such as flow, "
            "gan and vae can, and sample=FILE compares entries of any origin"
        )
    data = own_data(config, run.trained_in)
    reference, floor = _halves(_real(cfg, data), config.seed)
    wanted = cfg.value("n")
    n = min(len(floor), int(cfg.value("most")) if wanted is None else int(wanted))
    reference, floor = (part.rows(np.arange(min(n, len(part)))) for part in (reference, floor))
    if sample is None:
        generated, origin = _own(run, data, floor, n, int(cfg.value("seed")))
    else:
        generated, origin = _read(data, sample, "sample"), f"{sample}"
        generated = generated.rows(np.arange(min(n, len(generated))))
    clock.lap("generate")
    notes = [] if wanted is None or n == wanted else [f"n={wanted}: each half of the real entries has {len(floor):,}."]
    card = _card(cfg, data, reference, generated, floor)
    metrics = generator_metrics(card)
    clock.lap("evaluate")
    facts = read_provenance(run_dir)
    found = provenance(data, run.model, config.seed) | {
        "command": command_words(),
        "evaluated_run": str(run_dir),
        "checkpoint_sha256": run.checkpoint_sha256,
        "epochs": facts.get("epochs", 0),
        "generator_card": {
            "sample": origin,
            "reference": str(cfg.value("reference") or f"the test part of {data.background}"),
            "n": card.n,
            "seed": cfg.value("seed"),
        },
    }
    config = with_record_named(config, run_dir, directory, given_keys(words))
    with made_directory(directory, keep=False) as (loggers, log_safely), DrawingProcesses() as drawing:
        loggers += build_loggers(config.loggers)
        found["wandb"] = wandb_identity(loggers)
        log_safely(log_origin, loggers, config, found)
        log_safely(log_inputs, loggers, [*data_inputs(found), *run_input(run_dir, "judged")])
        atomic_write_text(directory / METRICS, json.dumps(dict(sorted(metrics.items())), indent=2) + "\n")
        drawn = generator_figures(card) if cfg.value("plots") else ()
        figures = save_figures(drawn, directory / "plots", cfg.value("formats"), drawing)
        clock.lap("plots")
        atomic_write_text(directory / "config.yaml", config.yaml())
        found |= {"status": "finished", "seconds": {"train": facts.get("seconds", {}).get("train", 0.0)} | clock.laps}
        title = f"{run_dir.name}, generator card {directory.name}"
        write_generator_page(directory, card, figures, found, title, notes)
        log_safely(log_card, loggers, directory, metrics, found["epochs"])
        write_provenance(directory, found)
    return CardResult(directory, card, metrics, [*notes, *card.notes, *log_safely.warnings])


def _card(
    cfg: RunConfig, data: AnomalyDataModule, reference: Entries, generated: Entries, floor: Entries
) -> GeneratorCard:
    settings = CardSettings(
        **{f"{what}_entries": int(cfg.value(f"{what}_entries")) for what in ("classifier", "distance", "neighbour")},
        training_entries=int(cfg.value("training_entries")),
        classifiers=tuple(cfg.value("classifiers")),
        seed=int(cfg.value("seed")),
    )
    described = (data.structure, data.feature_names, data.context_names)
    training = training_population(data.train_entries, *described, settings.training_entries)
    with progress("card", N_STEPS, unit="steps") as advance:
        real, made, other = (population(part, *described) for part in (reference, generated, floor))
        return generator_card(
            real,
            made,
            other,
            training=training,
            settings=settings,
            progress=lambda step: advance(1),
        )


def _real(cfg: RunConfig, data: AnomalyDataModule) -> Entries:
    """Return held-out real entries: the test part of the run's background, or those of a file."""
    given: Given | None = cfg.value("reference")
    if given is None:
        return data.test_entries[data.background]
    path = direct_file(given, "reference")
    if any(file_sha256(path) == file_sha256(data.files[name]) for name in data.trained_samples):
        raise UserError(
            f"reference={given} is the file that the run was trained on; leave reference out, and its test part is used"
        )
    real = _read(data, given, "reference")
    refuse_trained([data.train_entries, data.val_entries], {"reference": real})
    return real


def _read(data: AnomalyDataModule, given: Given, key: str) -> Entries:
    """Return the entries of a file, or of several one after the other, which must be of the run's kind and shape."""
    path = direct_file(given, key)
    entries = data.read_sample(key, path)
    shape, wanted = tuple(entries.batch.x.shape[1:]), data.entry_shape
    if shape != wanted:
        raise UserError(f"{key}={given}: entries of the shape {shape}; the run was trained on {wanted}")
    if not len(entries):
        raise UserError(f"{key}={given} holds no entries")
    return entries


def _halves(real: Entries, seed: int) -> tuple[Entries, Entries]:
    """Return two random halves of real entries; those of one row of the file, such as its jets, stay together."""
    rows = np.unique(real.index)
    first = np.random.default_rng(seed).permutation(rows)[: len(rows) // 2]
    inside = np.isin(real.index, first)
    shuffled = np.random.default_rng(seed + 1).permutation(len(real))
    halves = tuple(real.rows(shuffled[inside[shuffled] == side]) for side in (True, False))
    if min(map(len, halves)) < FEWEST:
        raise UserError(
            f"{len(real)} held-out real entries are too few for a card, which halves them: at least {2 * FEWEST} are "
            "needed; reference=FILE gives others that did not train"
        )
    return halves[0], halves[1]


def _own(run: Run, data: AnomalyDataModule, floor: Entries, n: int, seed: int) -> tuple[Entries, str]:
    """Return entries that the run's model makes up, as `hepad.generate` would write them and a reader find them."""
    with TemporaryDirectory(prefix="hepad_card_") as directory:
        target, context = Path(directory) / "generated.h5", None
        if run.context_names:
            conditions = floor.batch.context
            assert conditions is not None
            context = Path(directory) / "context.h5"
            with write_hdf5(context) as file:
                for name, values in zip(run.context_names, conditions[:n].numpy().T, strict=True):
                    file.create_dataset(name, data=values)
        generate_file(run.directory, target, n, seed, context)
        entries = data.read_sample("generated", target)
    return entries, f"{type(run.model).__name__}, seed {seed}"
