"""The trigger card: one page on an exported file, of rates, efficiencies, bits of the score and speed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.exporting.requirements import beside
from hepad.exporting.speed import Speed
from hepad.metrics import MIN_ENTRIES, Share, auc, choose_cut, share_beyond, trigger_rate
from hepad.metrics.rate_curve import quantised, rate_curve
from hepad.metrics.rates import rate_name
from hepad.metrics.working_points import BUNCH_CROSSING_RATE
from hepad.plots import save_figure
from hepad.plots.labels import is_heavy_tailed
from hepad.plots.trigger_rate import plot_trigger_rate
from hepad.report import Cell, Interval, Report, Section, Table, write_report

RATES: Final = (1e3, 3e3, 10e3)
BITS: Final = (4, 6, 8, 10, 12, 16)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CardScores:
    """Scores that a card is made of.

    Attributes:
        background: name of the sample whose rate it is.
        scores: sample → `(N,)` scores of entries that did not train.
        weights: sample → `(N,)`; None where each entry counts once.
    """

    background: str
    scores: Mapping[str, FloatArray]
    weights: Mapping[str, FloatArray | None]

    @property
    def signals(self) -> list[str]:
        """The other samples."""
        return [name for name in self.scores if name != self.background]


def write_trigger_card(output: Path, facts: Mapping[str, Any], scores: CardScores, speed: Speed | None) -> Path | None:
    """Write the card and its figure beside an exported file; None where the background is too small for any rate.

    Args:
        output: the exported file.
        facts: its description, with its parity.
        scores: of the entries that were compared.
        speed: of the file at work.
    """
    background, weight = scores.scores[scores.background], scores.weights[scores.background]
    try:
        curve = rate_curve(background, weight)
    except ValueError:
        return None
    figure = plot_trigger_rate(curve, scores.background, thresholds=facts["thresholds"])
    (png,) = save_figure(figure, beside(output, "_rate"))
    tables = [rate_table(scores), quantisation_table(scores)]
    sections = [
        Section("Rate", figures=[(_caption(scores.background, curve.entries), png)], notes=_notes(scores.background)),
        Section("Efficiency at a rate", tables=tables[:1]),
        Section("Bits of the score", tables=tables[1:]),
        Section("The file", tables=[_file_table(output, facts, speed)]),
    ]
    report = Report(
        f"Trigger card of {facts['run']}",
        f"{facts['model'].rpartition('.')[2]} as {facts['format']}, {output.name}",
        key_figures=_key_figures(facts, speed, curve.entries),
        sections=sections,
        provenance={"versions": facts["versions"], "checkpoint_sha256": facts["checkpoint_sha256"]},
    )
    return write_report(beside(output, "_card.html"), report)


def rate_table(scores: CardScores) -> Table:
    """Return efficiencies of every other sample at 1, 3 and 10 kHz, and at the lowest rate that can be told."""
    background, weight = scores.scores[scores.background], scores.weights[scores.background]
    entries = share_beyond(background, -math.inf, weight).entries
    lowest = min(1.0, MIN_ENTRIES / entries)
    rows: list[list[Cell]] = []
    for fpr in sorted({*(rate / BUNCH_CROSSING_RATE for rate in RATES), lowest}):
        cut = choose_cut(background, fpr, weight)
        name = rate_name(float(f"{trigger_rate(fpr):.3g}"))
        if cut is None:
            needed = f"needs {math.ceil(MIN_ENTRIES / fpr):,} background entries"
            rows.append([name, needed, None, *(None for _ in scores.signals)])
            continue
        shares = [share_beyond(scores.scores[one], cut.threshold, scores.weights[one]) for one in scores.signals]
        rows.append([name, Interval(cut.threshold, *_ends(cut)), _interval(cut.share, 1e3), *map(_interval, shares)])
    return Table(
        ["Rate wanted", "Threshold", "FPR × 10³", *scores.signals],
        rows,
        f"Share of each sample beyond the threshold that lets at most this rate of {scores.background} through, "
        f"{entries:,.0f} entries; {MIN_ENTRIES} must lie beyond. 68% intervals.",
    )


def quantisation_table(scores: CardScores) -> Table:
    """Return the AUC of every other sample where the score is a whole number of a few bits."""
    every = np.concatenate(list(scores.scores.values()))
    log = bool(every.min() > 0) and is_heavy_tailed(every)
    as_read = {name: np.log(values) if log else values for name, values in scores.scores.items()}
    low = float(as_read[scores.background].min())
    high = max(float(np.quantile(values, 0.999)) for values in as_read.values())
    rows: list[list[Cell]] = []
    for bits in (*BITS, None):
        found = as_read if bits is None else {k: quantised(v, bits, low, high) for k, v in as_read.items()}
        aucs = [
            auc(found[scores.background], found[one], scores.weights[scores.background], scores.weights[one])
            for one in scores.signals
        ]
        step = None if bits is None else (high - low) / (2**bits - 1)
        rows.append(["float32" if bits is None else f"{bits}", step, *aucs])
    told = "ln of the score" if log else "the score"
    return Table(
        ["Bits", "Step", *scores.signals],
        rows,
        f"AUC against {scores.background} where {told} is a whole number, in equal steps from {low:.3g} to {high:.3g}.",
    )


def _ends(cut: Any) -> tuple[float, float]:
    return (cut.low if math.isfinite(cut.low) else cut.threshold), cut.high


def _interval(share: Share, scale: float = 1.0) -> Interval:
    return Interval(scale * share.value, scale * share.low, scale * share.high)


def _caption(background: str, entries: float) -> str:
    least = rate_name(float(f"{trigger_rate(min(1.0, MIN_ENTRIES / entries)):.3g}"))
    return (
        f"Rate of {background} against the threshold, with its binomial 68% band; below {least}, where fewer than "
        f"{MIN_ENTRIES} of {entries:,.0f} entries lie beyond, nothing is said."
    )


def _notes(background: str) -> list[str]:
    return [
        f"Rate = FPR × {BUNCH_CROSSING_RATE / 1e6:.2f} MHz: that of a trigger that sees every crossing of filled "
        f"bunches, if {background} is what such crossings hold, one entry for each. Where entries are jets, or the "
        "background has passed another trigger, it is no rate of a trigger."
    ]


def _key_figures(facts: Mapping[str, Any], speed: Speed | None, entries: float) -> Sequence[tuple[str, Cell]]:
    found: list[tuple[str, Cell]] = [
        ("Largest relative difference", f"{facts['parity']['max_relative']:.1e}"),
        ("Lowest rate that is known", rate_name(float(f"{trigger_rate(min(1.0, MIN_ENTRIES / entries)):.3g}"))),
    ]
    if speed is not None:
        found += [
            ("One entry", f"{1e6 * speed.latency:.0f} µs"),
            ("Throughput", f"{float(f'{speed.throughput:.2g}'):,.0f} entries/s"),
        ]
    return found


def _file_table(output: Path, facts: Mapping[str, Any], speed: Speed | None) -> Table:
    inputs = "; ".join(f"{each['name']} ({', '.join(map(str, each['shape']))})" for each in facts["inputs"])
    rows: list[list[Cell]] = [
        ["Inputs", inputs],
        ["Outputs", ", ".join(each["name"] for each in facts["outputs"])],
        ["Entries compared", f"{facts['parity']['entries']:,}"],
        ["Largest difference", f"{facts['parity']['max_absolute']:.2g}"],
        ["Size", f"{output.stat().st_size / 1e3:,.0f} kB"],
    ]
    if speed is not None:
        rows += [
            ["One entry, median", f"{1e6 * speed.latency:.0f} µs"],
            ["One entry, 99% within", f"{1e6 * speed.latency_99:.0f} µs"],
            [f"Batches of {speed.batch}", f"{float(f'{speed.throughput:.2g}'):,.0f} entries/s"],
        ]
    return Table(["What", "Value"], rows, "On the CPU of the machine that wrote this page, all of its threads.")
