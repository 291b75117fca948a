"""A comparison as a reader gets it: page, numbers and pictures as files, and its first table on a terminal."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.table import Table as ConsoleTable

from hepad.comparison.compare import Comparison
from hepad.comparison.figures import AGREEMENT, SEPARATION, TRAINING, comparison_figures
from hepad.comparison.files import write_files
from hepad.comparison.generators import GENERATORS, GeneratorComparison, card_of, compare_generators, generator_table
from hepad.comparison.rows import auc_name, csv_text, reason_table
from hepad.comparison.seeds import seed_groups, seed_tables, spreads_beside
from hepad.comparison.tables import (
    auc_table,
    difference_table,
    matched_table,
    run_table,
    settings_table,
)
from hepad.comparison.trivial import trivial_groups, verdict_cell
from hepad.metrics import pair_result
from hepad.metrics.verdict import SIGNIFICANT
from hepad.plots import StandardFigure
from hepad.report import Cell, Report, Section
from hepad.report.terminal import console_table, print_to_terminal


def write_comparison(comparison: Comparison, directory: Path, formats: Sequence[str] = ("png",)) -> Path:
    """Write the files of a comparison of runs, as `write_files` does, and return the page's path."""
    figures, report = comparison_figures(comparison), partial(comparison_report, comparison)
    return write_files(directory, figures, as_json(comparison), as_csv(comparison), report, formats)


def print_comparison(comparison: Comparison, page: Path) -> None:
    """Print the table of AUCs against the first reference, what is not shared, and the path of the page."""
    generators = run_generators(comparison)
    ranked = [] if generators is None else [console_table(generator_table(generators), "Generators, the best first")]
    print_to_terminal(
        [comparison_table(comparison), *ranked],
        [
            ("mean", f"over {', '.join(comparison.averaged(comparison.references[0]))}"),
            ("better", "than the best trivial score, on how many signals (significantly)"),
            (
                "*",
                f"differs from {comparison.baseline}: p < {SIGNIFICANT:g} after Holm's correction for all differences",
            ),
            *(("note", note) for note in comparison.notes),
            *(("left out", out.reason) for out in comparison.left_out),
            ("page", str(page)),
        ],
    )


def comparison_table(comparison: Comparison) -> ConsoleTable:
    """Return AUC of every run (rows, best mean first) and of the best trivial score, against the first reference."""
    reference = comparison.references[0]
    table = auc_table(comparison, reference, brief=True)
    above = len(comparison.records) + len(spreads_beside(comparison, reference))
    return console_table(table, f"AUC vs {reference} with its 68% interval in brackets", above)


def comparison_report(comparison: Comparison, figures: Sequence[StandardFigure], plots: Path) -> Report:
    """Return the page: AUC tables first, then over seeds, differences, ROC, agreement, training, the runs.

    Args:
        comparison: what was found.
        figures: what was drawn, by section.
        plots: the directory that holds the pictures.
    """
    pictures = {
        title: [(figure.caption, plots / f"{figure.name}.png") for figure in group]
        for title, group in groupby(figures, key=lambda figure: figure.section)
    }
    first = comparison.references[0]
    best = comparison.ranked(first)[0].name
    groups = seed_groups(comparison)
    generators = run_generators(comparison)
    over_seeds = [Section("Over seeds", tables=seed_tables(comparison, groups))] if groups else []
    sections = [
        *over_seeds,
        Section(
            SEPARATION,
            pictures.get(SEPARATION, []),
            [
                made
                for reference in comparison.references
                for table in (auc_table, matched_table, difference_table)
                if reference != first or table is difference_table
                if (made := table(comparison, reference)) is not None
            ],
        ),
        Section(
            AGREEMENT,
            pictures.get(AGREEMENT, []),
            notes=["1 means that two runs rank all entries alike: then they find the same anomalies."],
        ),
        *([] if generators is None else [Section(GENERATORS, tables=[generator_table(generators)])]),
        Section(TRAINING, pictures.get(TRAINING, [])),
        Section("Runs", tables=[run_table(comparison), settings_table(comparison)]),
    ]
    if comparison.left_out:
        sections.append(Section("Left out", tables=[reason_table(comparison.left_out, "Runs without scores.")]))
    warnings = [*comparison.notes, *(() if generators is None else generators.notes)]
    if comparison.left_out:
        warnings.append(f"{len(comparison.left_out)} without scores left out, see the end of the page.")
    return Report(
        title=f"Comparison of {len(comparison.records)} runs",
        subtitle=f"The baseline that the others are compared with: {comparison.baseline}",
        key_figures=[
            (f"best mean AUC vs {first} ({', '.join(comparison.averaged(first))})", comparison.mean_auc(best, first)),
            ("best run", best),
            *_best_trivial(comparison, first, best),
            ("runs", len(comparison.records)),
            ("significant differences", _significant(comparison)),
        ],
        summary=[
            table for table in (auc_table(comparison, first), matched_table(comparison, first)) if table is not None
        ],
        sections=[section for section in sections if section.figures or section.tables],
        provenance={label: _facts(comparison, label) for label in comparison.records},
        warnings=warnings,
        landscape=True,
    )


def run_generators(comparison: Comparison) -> GeneratorComparison | None:
    """Return the last generator card of each run that has one, ranked; None where none has."""
    cards = {label: card_of(record.directory) for label, record in comparison.records.items()}
    known = {label: card for label, card in cards.items() if card is not None}
    return compare_generators(list(known.values()), list(known)) if known else None


def _best_trivial(comparison: Comparison, reference: str, run: str) -> list[tuple[str, Cell]]:
    """The mean of the best trivial scores on the same entries as a run, and its verdict."""
    pairs = [(signal, reference) for signal in comparison.averaged(reference)]
    names = [auc_name(*pair) for pair in pairs]
    means = [group.mean_best(names) for group in trivial_groups(comparison.rows, pairs) if run in group.runs]
    verdict = verdict_cell(comparison.records[run].metrics, reference)
    found: list[tuple[str, Cell]] = [("best trivial score, mean AUC", mean) for mean in means if mean is not None]
    return [*found, *([("best run better than trivial", verdict)] if verdict is not None else [])]


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return all numbers of a comparison as plain JSON values; what is not known is null."""
    return {
        "baseline": comparison.baseline,
        "runs": {label: _facts(comparison, label) for label in comparison.records},
        "left_out": [{"run": str(out.run_dir), "reason": out.reason} for out in comparison.left_out],
        "notes": list(comparison.notes),
        "auc": _rows(comparison),
        "over_seeds": [
            {"runs": list(group.runs), "mean": dict(group.means), "spread": dict(group.spreads)}
            for group in seed_groups(comparison)
        ],
        "correlations": {
            sample: {
                "runs": list(found.runs),
                "entries": found.entries,
                "pearson": _matrix(found.pearson.tolist()),
                "spearman": _matrix(found.spearman.tolist()),
            }
            for sample, found in comparison.correlations.items()
        },
    }


def as_csv(comparison: Comparison) -> str:
    """Return one row per run, signal and reference."""
    return csv_text(_rows(comparison))


def _significant(comparison: Comparison) -> str:
    p_values = [pair_auc.p_holm for pair_auc in comparison.aucs if pair_auc.p_holm is not None]
    return f"{sum(p < SIGNIFICANT for p in p_values)} of {len(p_values)}"


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    rows = []
    for pair_auc in comparison.aucs:
        metrics = comparison.records[pair_auc.run].metrics
        plain, matched = (pair_result(metrics, pair_auc.signal, pair_auc.reference, equal) for equal in (False, True))
        rows.append(
            {
                "run": pair_auc.run,
                "signal": pair_auc.signal,
                "reference": pair_auc.reference,
                "auc": pair_auc.auc,
                "low": pair_auc.low,
                "high": pair_auc.high,
                "difference": pair_auc.difference and pair_auc.difference.difference,
                "standard_error": pair_auc.difference and pair_auc.difference.standard_error,
                "p_value": pair_auc.difference and pair_auc.difference.p_value,
                "p_holm": pair_auc.p_holm,
                "paired": pair_auc.paired,
                "best_trivial": plain and plain.trivial,
                "best_trivial_auc": plain and plain.trivial_auc,
                "matched_auc": matched and matched.auc,
                "matched_best_trivial": matched and matched.trivial,
                "matched_best_trivial_auc": matched and matched.trivial_auc,
            }
        )
    return rows


def _facts(comparison: Comparison, label: str) -> dict[str, Any]:
    record = comparison.records[label]
    return {
        "directory": str(record.directory),
        "status": record.status,
        "command": list(record.command),
        "model": record.model,
        "loss": record.loss,
        "data": record.data,
        "background": record.background,
        "seed": record.seed,
        "parameters": record.parameters,
        "epochs": record.epochs,
        "training_seconds": record.seconds.get("train"),
        "scoring_seconds": record.seconds.get("score"),
        "differs_in": dict(comparison.settings[label]),
    }


def _matrix(rows: list[list[float]]) -> list[list[float | None]]:
    return [[value if math.isfinite(value) else None for value in row] for row in rows]
