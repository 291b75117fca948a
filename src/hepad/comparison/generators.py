"""Generators side by side, by the metrics.json of their cards: ranked, each beside its floor."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any, Final

from hepad.comparison.differences import unique_labels
from hepad.comparison.files import write_files
from hepad.core.errors import UserError
from hepad.generators.card_metrics import FLOOR_PREFIX, PREFIX, ranked
from hepad.plots import StandardFigure
from hepad.plots.generator_ranking import plot_generator_ranking
from hepad.report import Cell, Report, Section, Table, interval
from hepad.report.terminal import console_table, print_to_terminal
from hepad.rundir.config_file import has_config
from hepad.rundir.facts import METRICS, read_metrics
from hepad.rundir.record import RunRecord, read_record

GENERATORS: Final = "Generators"
_IS_CARD: Final = f"{PREFIX}/entries"
_EVALUATIONS: Final = "evaluations"

# Name of a metric → title, and the factor that it is shown with.
_COLUMNS: Final = {
    "auc/trees": ("AUC, trees", 1.0),
    "auc/mlp": ("AUC, network", 1.0),
    "fpd": ("Fréchet × 10³", 1e3),
    "kpd": ("Kernel × 10³", 1e3),
    "separation_mean": ("Mean separation × 10³", 1e3),
    "precision": ("Precision", 1.0),
    "recall": ("Recall", 1.0),
    "coverage": ("Coverage", 1.0),
    "correlation_rms": ("Correlations, RMS", 1.0),
    "memorisation/auc": ("Memory, AUC", 1.0),
}


@dataclass(frozen=True, eq=False)
class GeneratorComparison:
    """Cards of several generators.

    Attributes:
        cards: label → record of the card, the best first.
        notes: what they do not share.
    """

    cards: Mapping[str, RunRecord]
    notes: Sequence[str]

    @property
    def metrics(self) -> dict[str, Mapping[str, float]]:
        """Label → flat name → number."""
        return {label: record.metrics for label, record in self.cards.items()}


def is_card(directory: Path) -> bool:
    """Return whether a directory is that of a finished generator card."""
    return directory.resolve().parent.name == _EVALUATIONS and _IS_CARD in read_metrics(directory)


def card_of(run: Path) -> RunRecord | None:
    """Return the generator card of a run that was started last; None where it has none."""
    cards = [path.parent for path in sorted((run / _EVALUATIONS).glob(f"*/{METRICS}"))]
    records = [read_record(path) for path in cards if has_config(path) and is_card(path)]
    return max(records, key=lambda record: str(record.provenance.get("started") or ""), default=None)


def find_cards(places: Sequence[str | Path]) -> list[Path]:
    """Return the cards that `places` name or match, where all of them are such; else none.

    Raises:
        UserError: some are cards and some are not.
    """
    matches = [
        match
        for place in places
        for match in ([Path(place)] if Path(place).exists() else [Path(found) for found in sorted(glob(str(place)))])
    ]
    cards = [match for match in matches if match.is_dir() and is_card(match)]
    if cards and len(cards) < len(matches):
        other = next(match for match in matches if match not in cards)
        raise UserError(f"{cards[0]} is a generator card and {other} is none; name cards alone, or the runs themselves")
    return list({card.resolve(): card for card in cards}.values())


def compare_generators(records: Sequence[RunRecord], labels: Sequence[str] | None = None) -> GeneratorComparison:
    """Rank cards, and say where they are not of the same real entries.

    Args:
        records: of the cards.
        labels: of each, no two the same; None for names made of their directories.
    """
    names = unique_labels(records, [{} for _ in records]) if labels is None else labels
    by_label = dict(zip(names, records, strict=True))
    order = ranked({label: record.metrics for label, record in by_label.items()})
    return GeneratorComparison({label: by_label[label] for label in order}, _notes(by_label))


def generator_table(comparison: GeneratorComparison) -> Table:
    """Numbers of each generator, the best first, and below each those of its floor."""
    rows: list[list[Cell]] = []
    names = [name for name in _COLUMNS if any(f"{PREFIX}/{name}" in metrics for metrics in comparison.metrics.values())]
    for label, metrics in comparison.metrics.items():
        total = metrics.get(f"{PREFIX}/observables")
        for prefix, title in ((PREFIX, label), (FLOOR_PREFIX, f"floor of {label}")):
            differing = metrics.get(f"{prefix}/differing")
            told = None if differing is None or total is None else f"{differing:.0f} of {total:.0f}"
            entries = metrics.get(f"{prefix}/entries")
            count = None if entries is None else int(entries)
            rows.append(
                [title, count, told, *(_cell(metrics, f"{prefix}/{name}", _COLUMNS[name][1]) for name in names)]
            )
    return Table(
        ["Generator", "Entries", "Differ", *(_COLUMNS[name][0] for name in names)],
        rows,
        "Generated entries against real ones, and real against real (floor); ordered by the largest AUC of a "
        "classifier, the smallest first: 0.5 where nothing tells generated from real entries. Differ: observables with "
        "p < 0.01 after Holm's correction. One standard error of the last digits in brackets.",
    )


def separation_table(comparison: GeneratorComparison) -> Table | None:
    """Separation power of each observable for each generator, its floor below; None where none was taken."""
    start = f"{PREFIX}/separation/"
    names = list(dict.fromkeys(n for m in comparison.metrics.values() for n in m if n.startswith(start)))
    if not names:
        return None
    rows: list[list[Cell]] = []
    for name in names:
        floors = (m.get(name.replace(PREFIX, FLOOR_PREFIX, 1)) for m in comparison.metrics.values())
        floor = max((value for value in floors if value is not None), default=None)
        values: list[Cell] = [metrics.get(name) for metrics in comparison.metrics.values()]
        rows.append([name.removeprefix(start), *values, floor])
    return Table(
        ["Observable", *comparison.cards, "floor"],
        rows,
        "Separation power of each observable against real entries; floor: the largest of real against real.",
    )


def write_generator_comparison(
    comparison: GeneratorComparison, directory: Path, formats: Sequence[str] = ("png",)
) -> Path:
    """Write the files of a comparison of cards, as `write_files` does, and return the page's path."""
    content = {
        "generators": {
            label: {"directory": str(record.directory), "metrics": dict(record.metrics)}
            for label, record in comparison.cards.items()
        },
        "notes": list(comparison.notes),
    }
    report = partial(_report, comparison)
    return write_files(directory, generator_figures(comparison), content, _csv(comparison), report, formats)


def generator_figures(comparison: GeneratorComparison) -> list[StandardFigure]:
    """Return the figures: the AUC of each classifier for each generator, beside its floor."""
    aucs = {
        label: {
            name.removeprefix(f"{PREFIX}/auc/"): (
                _triple(metrics, name),
                _triple(metrics, name.replace(PREFIX, FLOOR_PREFIX, 1)),
            )
            for name in metrics
            if name.startswith(f"{PREFIX}/auc/") and name.count("/") == 2
        }
        for label, metrics in comparison.metrics.items()
    }
    if not any(aucs.values()):
        return []
    caption = "AUC of classifiers that tell generated entries from real ones, and the band of real against real."
    return [StandardFigure("generators_auc", GENERATORS, caption, partial(plot_generator_ranking, aucs))]


def print_generator_comparison(comparison: GeneratorComparison, page: Path) -> None:
    """Print the table, what is not shared, and the path of the page."""
    table = console_table(generator_table(comparison), "Generators, the best first, each above its floor")
    print_to_terminal([table], [*(("note", note) for note in comparison.notes), ("page", str(page))])


def _report(comparison: GeneratorComparison, figures: Sequence[StandardFigure], plots: Path) -> Report:
    separations = separation_table(comparison)
    best = next(iter(comparison.cards))
    return Report(
        title=f"Comparison of {len(comparison.cards)} generators",
        subtitle=f"Told from real entries with the smallest AUC: {best}",
        key_figures=[("best generator", best), ("generators", len(comparison.cards))],
        summary=[generator_table(comparison)],
        sections=[
            Section(
                GENERATORS,
                [(figure.caption, plots / f"{figure.name}.png") for figure in figures],
                [] if separations is None else [separations],
            )
        ],
        provenance={label: {"directory": str(record.directory)} for label, record in comparison.cards.items()},
        warnings=comparison.notes,
        landscape=True,
    )


def _notes(records: Mapping[str, RunRecord]) -> list[str]:
    """Say where cards are not of the same real entries, or not of as many."""
    made = {label: record.provenance.get("generator_card") or {} for label, record in records.items()}
    hashes = {
        label: sorted(str(fact.get("sha256")) for fact in (record.provenance.get("data") or {}).values())
        for label, record in records.items()
    }
    differing: dict[str, Iterable[Any]] = {
        "data": [(record.data, hashes[label]) for label, record in records.items()],
        "real entries": [facts.get("reference") for facts in made.values()],
        "numbers of entries": [record.metrics.get(_IS_CARD) for record in records.values()],
    }
    first = {what: next(iter(values)) for what, values in differing.items()}
    return [
        f"The cards are of different {what}: their numbers do not compare as they stand."
        for what, values in differing.items()
        if any(value != first[what] for value in values)
    ]


def _cell(metrics: Mapping[str, float], name: str, factor: float) -> Cell:
    value, low, high = (metrics.get(f"{name}{end}") for end in ("", "/low", "/high"))
    if value is None:
        return None
    return interval(factor * value, low and factor * low, high and factor * high)


def _triple(metrics: Mapping[str, float], name: str) -> tuple[float, float, float] | None:
    value = metrics.get(name)
    return None if value is None else (value, metrics.get(f"{name}/low", value), metrics.get(f"{name}/high", value))


def _csv(comparison: GeneratorComparison) -> str:
    """Return one row for each generator and metric."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["generator", "metric", "value"])
    for label, metrics in comparison.metrics.items():
        writer.writerows([label, name, value] for name, value in sorted(metrics.items()))
    return text.getvalue()
