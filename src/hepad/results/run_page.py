"""The report of one run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hepad.callbacks.top_entries import TopEntries
from hepad.data import AnomalyDataModule
from hepad.metrics import Evaluation
from hepad.metrics.verdict import verdict_sentence
from hepad.plots import StandardFigure, sample_styles
from hepad.report import Report, Section, headline_table, matched_table, write_report
from hepad.report.section_tables import SEPARATION, origin_notes, section_tables
from hepad.results.answer import run_answer
from hepad.results.threshold_view import threshold_view
from hepad.results.top_table import TOP, top_table
from hepad.rundir.facts import left_out_words

AUC = "AUC"
"""Section of the tables."""

# What a reader asks first; sections that are not named here, a model's own, come before the examples.
_ORDER = (TOP, AUC, SEPARATION, "Scores", "Correlations", "Sculpting", "Score and features", "Training")


def write_run_report(
    run_dir: Path,
    evaluation: Evaluation,
    figures: Sequence[StandardFigure],
    data: AnomalyDataModule,
    facts: Mapping[str, Any],
    title: str | None = None,
    more: Sequence[Section] = (),
    top: TopEntries | None = None,
) -> Path:
    """Write report.html: the answer, scores and ROC curves, the most anomalous entries, then all else by section.

    Args:
        run_dir: the run's directory, with config.yaml and `plots/<name>.png` in it.
        evaluation: the numbers.
        figures: what was drawn, in order.
        data: where the entries came from.
        facts: provenance.
        title: the page's heading; None for the name of the directory.
        more: further sections.
        top: the most anomalous entries; None where they are not known.
    """
    tables = section_tables(evaluation) | ({} if top is None else {TOP: [top_table(top)]})
    if evaluation.rocs:
        tables[AUC] = [table for table in (headline_table(evaluation), matched_table(evaluation)) if table is not None]
    sections = [
        Section(
            title=title,
            figures=[(f.caption, run_dir / "plots" / f"{f.name}.png") for f in figures if f.section == title],
            tables=tables.get(title, []),
            notes=_notes(title, data, facts),
            figures_first=title == TOP,
        )
        for title in sorted(dict.fromkeys([*(figure.section for figure in figures), *tables]), key=_place)
    ]
    sections += more
    if told := left_out_words(facts):
        sections.append(Section(title="Left out", notes=[f"Read of the files, and no entries: {told}."]))
    report = Report(
        title=title or run_dir.name,
        subtitle=f"Trained on {facts['trained']:,} entries of {data.trained_on} ({data.kind})",
        key_figures=[
            ("parameters", facts["parameters"]),
            ("epochs", facts["epochs"]),
            ("tested entries", sum(len(entries) for entries in data.test_entries.values())),
            ("training [s]", facts["seconds"]["train"]),
        ],
        answer=run_answer(evaluation),
        thresholds=threshold_view(evaluation, sample_styles(data.test_entries, evaluation.background)),
        sections=sections,
        config=(run_dir / "config.yaml").read_text(encoding="utf-8"),
        provenance=facts,
        warnings=evaluation.warnings,
        small_print=[*evaluation.small_print, *evaluation.unmatched],
    )
    path = run_dir / "report.html"
    write_report(path, report)
    return path


def _notes(title: str, data: AnomalyDataModule, facts: Mapping[str, Any]) -> list[str]:
    """Notes that stand below the title of a section."""
    if title != AUC:
        return origin_notes(title, facts)
    return [] if data.loudness is None else [f"Σ pT stands for the column {data.loudness}."]


def verdict_sentences(evaluation: Evaluation) -> list[str]:
    """Say for each reference on how many signals the score beats the best trivial one, also at equal loudness."""
    found = (
        verdict_sentence(evaluation.metrics, reference, evaluation.loudness) for reference in evaluation.references
    )
    return [sentence for sentence in found if sentence is not None]


def fallback_notes(facts: Mapping[str, Any]) -> list[str]:
    """Say when a run went on from an older checkpoint than its last."""
    return [
        f"On {entry['at']} this run went on from {entry['from']}, one epoch earlier than it had come: "
        f"{entry['because']}."
        for entry in facts.get("resumed", ())
        if "because" in entry
    ]


def _place(section: str) -> int:
    """Place of a section; sections of one place keep their order."""
    if section == "Examples":
        return len(_ORDER) + 1
    return _ORDER.index(section) if section in _ORDER else len(_ORDER)
