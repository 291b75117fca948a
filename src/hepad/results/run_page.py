"""The report of one run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hepad.callbacks.top_entries import TopEntries
from hepad.data import AnomalyDataModule
from hepad.metrics import Evaluation, read_verdict
from hepad.metrics.verdict import verdict_sentence
from hepad.plots import StandardFigure
from hepad.report import Cell, Report, Section, Table, headline_table, matched_table, write_report
from hepad.report.section_tables import SEPARATION, origin_notes, section_tables
from hepad.results.top_table import TOP, top_table
from hepad.rundir.facts import left_out_words

# What a reader asks first; sections that are not named here, a model's own, come before the examples.
_ORDER = (SEPARATION, "Scores", "Correlations", "Sculpting", "Score and features", "Training")


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
    """Write report.html: the AUC table first, then the figures by section, configuration and provenance.

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
    sections = [
        Section(
            title=title,
            figures=[(f.caption, run_dir / "plots" / f"{f.name}.png") for f in figures if f.section == title],
            tables=tables.get(title, []),
            notes=_notes(title, evaluation, data, facts),
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
            *_verdict_figures(evaluation),
            ("parameters", facts["parameters"]),
            ("epochs", facts["epochs"]),
            ("tested entries", sum(len(entries) for entries in data.test_entries.values())),
            ("training [s]", facts["seconds"]["train"]),
        ],
        verdicts=verdict_sentences(evaluation),
        summary=_summary(evaluation),
        sections=sections,
        config=(run_dir / "config.yaml").read_text(encoding="utf-8"),
        provenance=facts,
        warnings=evaluation.warnings,
    )
    path = run_dir / "report.html"
    write_report(path, report)
    return path


def _notes(title: str, evaluation: Evaluation, data: AnomalyDataModule, facts: Mapping[str, Any]) -> list[str]:
    """Notes that stand below the figures of a section."""
    if title != SEPARATION:
        return origin_notes(title, facts)
    loudness = [] if data.loudness is None else [f"Σ pT stands for the column {data.loudness}."]
    return [*loudness, *evaluation.unmatched]


def verdict_sentences(evaluation: Evaluation) -> list[str]:
    """Say for each reference on how many signals the score beats the best trivial one, also at equal Σ pT."""
    found = (verdict_sentence(evaluation.metrics, reference) for reference in evaluation.references)
    return [sentence for sentence in found if sentence is not None]


def _verdict_figures(evaluation: Evaluation) -> list[tuple[str, Cell]]:
    """The verdict against the first reference, the training background where that is one."""
    if not evaluation.rocs:
        return []
    reference = evaluation.references[0]
    titles = {False: f"better than trivial vs {reference}", True: f"at equal Σ pT vs {reference}"}
    return [
        (title, verdict.short)
        for matched, title in titles.items()
        if (verdict := read_verdict(evaluation.metrics, reference, matched)) is not None
    ]


def _summary(evaluation: Evaluation) -> list[Table]:
    tables = [headline_table(evaluation), matched_table(evaluation)] if evaluation.rocs else []
    return [table for table in tables if table is not None]


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
