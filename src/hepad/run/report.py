"""The report of one run."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from hepad.data import AnomalyDataModule
from hepad.metrics import Evaluation
from hepad.plots import StandardFigure
from hepad.report import Report, Section, correlation_table, headline_table, working_point_table, write_report

# What a reader asks first; sections that are not named here, a model's own, come before the examples.
_ORDER = ("Separation", "Scores", "Correlations", "Score and features", "Training")
_SECTION_TABLES = {"Separation": working_point_table, "Correlations": correlation_table}


def write_run_report(
    run_dir: Path,
    evaluation: Evaluation,
    figures: Sequence[StandardFigure],
    data: AnomalyDataModule,
    facts: Mapping[str, Any],
    title: str | None = None,
) -> Path:
    """Write report.html: the AUC table first, then the figures by section, configuration and provenance.

    Args:
        run_dir: the run's directory, with config.yaml and `plots/<name>.png` in it.
        evaluation: the numbers.
        figures: what was drawn, in order.
        data: where the entries came from.
        facts: provenance.
        title: the page's heading; None for the name of the directory.
    """
    sections = [
        Section(
            title=title,
            figures=[(figure.caption, run_dir / "plots" / f"{figure.name}.png") for figure in group],
            tables=[_SECTION_TABLES[title](evaluation)] if title in _SECTION_TABLES else [],
        )
        for title, group in groupby(sorted(figures, key=_place), key=lambda figure: figure.section)
    ]
    report = Report(
        title=title or run_dir.name,
        subtitle=f"Trained on {facts['trained']:,} {data.kind} of {data.background}",
        key_figures=[
            ("parameters", facts["parameters"]),
            ("epochs", facts["epochs"]),
            ("tested entries", sum(len(entries) for entries in data.test_entries.values())),
            ("training [s]", facts["seconds"]["train"]),
        ],
        summary=[headline_table(evaluation)] if evaluation.rocs else [],
        sections=sections,
        config=(run_dir / "config.yaml").read_text(encoding="utf-8"),
        provenance=facts,
        warnings=evaluation.warnings,
    )
    path = run_dir / "report.html"
    write_report(path, report)
    return path


def fallback_notes(facts: Mapping[str, Any]) -> list[str]:
    """Say when a run went on from an older checkpoint than its last."""
    return [
        f"On {entry['at']} this run went on from {entry['from']}, one epoch earlier than it had come: "
        f"{entry['because']}."
        for entry in facts.get("resumed", ())
        if "because" in entry
    ]


def _place(figure: StandardFigure) -> int:
    """Where the section of a figure stands; figures of one section keep their order."""
    if figure.section == "Examples":
        return len(_ORDER) + 1
    return _ORDER.index(figure.section) if figure.section in _ORDER else len(_ORDER)
