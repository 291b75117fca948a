"""The page of a generator card: the verdict first, then tables and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hepad.generators import GeneratorCard, generator_verdict
from hepad.plots import StandardFigure
from hepad.report import Cell, Report, Section, Table, interval, write_report
from hepad.results.generator_figures import (
    CLASSIFIERS,
    CORRELATIONS,
    DISTRIBUTIONS,
    PROFILES,
    SECTIONS,
    SEPARATION,
)
from hepad.results.generator_tables import correlation_pairs, observable_table, profile_table, summary_table

_CLASSIFIER_NOTE = (
    "Half of the entries train a classifier, 15% calibrate its probabilities, and 35% are judged. The JSD is a lower "
    "bound of the Jensen-Shannon divergence, somewhat below 0 for one truth."
)


def write_generator_page(
    directory: Path,
    card: GeneratorCard,
    figures: Sequence[StandardFigure],
    facts: Mapping[str, Any],
    title: str,
    notes: Sequence[str] = (),
) -> Path:
    """Write report.html of a card.

    Args:
        directory: of the card, with config.yaml and `plots/<name>.png` in it.
        card: the numbers.
        figures: what was drawn, in order.
        facts: provenance.
        title: the page's heading.
        notes: what a reader should know beside what the card says itself.
    """
    verdict = generator_verdict(card)
    profile = profile_table(card)
    tables: dict[str, list[Table]] = {
        SEPARATION: [observable_table(card)] if verdict.compared else [],
        PROFILES: [] if profile is None else [profile],
    }
    pairs = correlation_pairs(card)
    said = {CORRELATIONS: [] if pairs is None else [pairs], CLASSIFIERS: [_CLASSIFIER_NOTE] if card.classifiers else []}
    if len(card.distributions) and not any(figure.section == DISTRIBUTIONS for figure in figures):
        said[DISTRIBUTIONS] = ["No figures were asked for (plots=false)."]
    sections = [
        Section(
            name,
            [(f.caption, directory / "plots" / f"{f.name}.png") for f in figures if f.section == name],
            tables.get(name, []),
            said.get(name, []),
        )
        for name in SECTIONS
    ]
    told = facts["generator_card"]
    report = Report(
        title=title,
        subtitle=f"{card.n:,} entries of {told['sample']} against as many of {told['reference']}",
        key_figures=[
            *_key_figures(card),
            ("observables that differ", f"{len(verdict.differing)} of {verdict.compared}"),
        ],
        verdicts=verdict.sentences,
        summary=[summary_table(card)],
        sections=[section for section in sections if section.figures or section.tables or section.notes],
        config=(directory / "config.yaml").read_text(encoding="utf-8"),
        provenance=facts,
        warnings=[*notes, *card.notes],
    )
    return write_report(directory / "report.html", report)


def _key_figures(card: GeneratorCard) -> list[tuple[str, Cell]]:
    found: list[tuple[str, Cell]] = []
    for kind, tests in card.classifiers.items():
        for side, title in (("generated", f"AUC, {kind}"), ("floor", f"floor, {kind}")):
            if side in tests:
                value, error = tests[side].auc, tests[side].auc_error
                found.append((title, interval(value, value - error, value + error)))
    if "generated" in card.frechet:
        value, error = (1e3 * number for number in (card.frechet["generated"].value, card.frechet["generated"].error))
        found.append(("Fréchet distance × 10³", interval(value, value - error, value + error)))
    return found
