"""Pictures over which a threshold moves: the histogram of the scores and the ROC curves, as SVG."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from hepad.report.colors import dark_color
from hepad.report.formatting import format_cell
from hepad.report.svg_axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Scale, axes
from hepad.report.threshold_view import FloatArray, RocLines, ThresholdView

FEWEST: Final = 10
"""Entries beyond a cut below which no rate is trusted, as in `hepad.metrics.working_points`."""

_APART: Final = 1.5
_ZERO: Final = 30
_GAP: Final = 16
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")


def sample_colors(view: ThresholdView) -> str:
    """Return the style rules that give each sample its colour, on white and on black."""
    rules = {"": "", "@media screen and (prefers-color-scheme: dark)": ""}
    for i, sample in enumerate(view.samples):
        if not _COLOR.fullmatch(sample.color):
            raise ValueError(f"the colour of {sample.name} is not #rrggbb: {sample.color!r}")
        for where, color in zip(rules, (sample.color, dark_color(sample.color)), strict=True):
            rules[where] += f".sample-{i} {{ --ink: {color}; }}\n"
    return "".join(f"{where} {{\n{rule}}}\n" if where else rule for where, rule in rules.items())


def swatch(view: ThresholdView, i: int) -> Markup:
    """Return a short piece of a sample's line."""
    dash = view.samples[i].dash
    return Markup(
        '<svg class="swatch sample-{}" viewBox="0 0 34 12" aria-hidden="true">'
        '<path class="curve" stroke-dasharray="{}" d="M1 6H33"/></svg>'
    ).format(i, dash or "none")


def score_picture(view: ThresholdView) -> Markup:
    """Return the histogram of every sample, with room for the line of the threshold."""
    x = score_scale(view)
    shares = np.concatenate([sample.shares for sample in view.samples])
    lowest, highest = float(shares[shares > 0].min()), float(shares.max())
    y = Scale(max(lowest / 2, 1e-7), min(2 * highest, 2.0), BOTTOM, TOP, log=True)
    drawn = []
    for i in sorted(range(len(view.samples)), key=lambda i: not view.samples[i].background):
        sample = view.samples[i]
        path = _steps(view, sample.shares, x, y)
        if sample.background:
            drawn.append(Markup('<path class="filled sample-{}" d="{}"/>').format(i, path))
        drawn.append(
            Markup('<path class="curve sample-{}" stroke-dasharray="{}" d="{}"/>').format(
                i, sample.dash or "none", path
            )
        )
    more = ((LEFT + _ZERO / 2, "0"),) if view.zeros else ()
    frame = axes(x, y, "Anomaly score", "Share of entries per bin", more)
    label = "Histogram of the anomaly score of each sample; the numbers stand in the table below"
    marks = Markup('<rect class="accepted" y="{}" height="{}"/><path class="threshold"/>').format(TOP, BOTTOM - TOP)
    return _svg("scores", label, frame + Markup("").join(drawn) + marks)


def roc_picture(view: ThresholdView, lines: RocLines, log: bool) -> Markup:
    """Return the ROC curves against one reference, with room for a mark on each."""
    x, y = roc_scales(lines, log)
    names = [sample.name for sample in view.samples]
    diagonal = np.geomspace(x.low, 1, 80) if log else np.array([0.0, 1.0])
    drawn = [Markup('<path class="random" d="{}"/>').format(_line(diagonal, diagonal, x, y))]
    if log:
        few = x(min(FEWEST / lines.entries, 1.0))
        drawn.insert(
            0,
            Markup('<rect class="few" x="{}" y="{}" width="{:.1f}" height="{}"/>').format(
                LEFT, TOP, few - LEFT, BOTTOM - TOP
            ),
        )
    for signal, _, fpr, tpr in lines.trivial:
        drawn.append(
            Markup('<path class="trivial sample-{}" d="{}"/>').format(names.index(signal), _line(fpr, tpr, x, y))
        )
    for signal, fpr, tpr in lines.curves:
        i = names.index(signal)
        drawn.append(
            Markup('<path class="curve sample-{}" stroke-dasharray="{}" d="{}"/>').format(
                i, view.samples[i].dash or "none", _line(fpr, tpr, x, y)
            )
        )
    marks = Markup('<path class="threshold"/>') + Markup("").join(
        Markup('<circle class="mark sample-{}" r="6"/>').format(names.index(signal)) for signal, _, _ in lines.curves
    )
    frame = axes(x, y, f"False-positive rate ({lines.reference})", "True-positive rate")
    label = f"ROC curves against {lines.reference}; the numbers stand in the table below"
    return _svg("roc", label, frame + Markup("").join(drawn) + marks)


def as_data(view: ThresholdView) -> str:
    """Return what the script of the page needs, as JSON."""
    x, names = score_scale(view), [sample.name for sample in view.samples]
    data: dict[str, Any] = {
        "x": [round(threshold_place(view, x, t), 1) for t in view.thresholds],
        "text": [format_cell(float(t)) for t in view.thresholds],
        "samples": [
            {
                "name": sample.name,
                "entries": _rounded(sample.entries),
                "accepted": [_rounded(share) for share in sample.accepted],
                "selected": [_rounded(number) for number in sample.selected],
            }
            for sample in view.samples
        ],
        "rocs": [
            {
                "reference": names.index(lines.reference),
                "signals": [names.index(signal) for signal, _, _ in lines.curves],
                "low": 1 / lines.entries,
            }
            for lines in view.rocs
        ],
        "box": [LEFT, TOP, RIGHT, BOTTOM],
        "fewest": FEWEST,
    }
    return json.dumps(data, separators=(",", ":"))


def score_scale(view: ThresholdView) -> Scale:
    """Return the scale of the scores; where zeros stand apart there is room for them on the left."""
    start = LEFT + _ZERO + _GAP if view.zeros else LEFT
    return Scale(float(view.edges[0]), float(view.edges[-1]), start, RIGHT, view.log)


def threshold_place(view: ThresholdView, x: Scale, threshold: float) -> float:
    """Return where the line of a threshold stands."""
    return LEFT if view.zeros and threshold <= 0 else x(threshold)


def roc_scales(lines: RocLines, log: bool) -> tuple[Scale, Scale]:
    """Return the scales of a ROC curve; the logarithmic one starts at one entry of the reference."""
    low = min(1 / lines.entries, 0.1) if log else 0.0
    return Scale(low, 1.0, LEFT, RIGHT, log), Scale(0.0, 1.0, BOTTOM, TOP + 6)


def _steps(view: ThresholdView, shares: FloatArray, x: Scale, y: Scale) -> str:
    """A histogram as a path that starts and ends on the floor."""
    start, found = int(view.zeros), []
    if view.zeros:
        found.append(f"M{LEFT} {BOTTOM}V{_height(y, shares[0]):.1f}H{LEFT + _ZERO}V{BOTTOM}")
    found.append(f"M{x(float(view.edges[0])):.1f} {BOTTOM}")
    for share, right in zip(shares[start:], view.edges[1:], strict=True):
        found.append(f"V{_height(y, share):.1f}H{x(float(right)):.1f}")
    return "".join([*found, f"V{BOTTOM}"])


def _height(y: Scale, share: float) -> float:
    return y(float(share)) if share > 0 else BOTTOM


def _line(horizontal: FloatArray, vertical: FloatArray, x: Scale, y: Scale) -> str:
    """A curve as a path, without points nearer than a pixel to the one before; the last one stays."""
    points = [(x(float(a)), y(float(b))) for a, b in zip(horizontal, vertical, strict=True)]
    kept = points[:1]
    for point in points[1:]:
        if max(abs(point[0] - kept[-1][0]), abs(point[1] - kept[-1][1])) >= _APART:
            kept.append(point)
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in kept)


def _svg(kind: str, label: str, content: Markup) -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        kind, WIDTH, HEIGHT, label, content
    )


def _rounded(value: float) -> float:
    return float(f"{value:.5g}") if value < 1e5 else round(float(value))


def first_numbers(view: ThresholdView) -> Sequence[tuple[str, str, str]]:
    """Return the sample's name, how many entries the first threshold accepts, and their share, of every sample."""
    found = []
    for sample in view.samples:
        accepted, selected = float(sample.accepted[view.start]), float(sample.selected[view.start])
        found.append(
            (
                sample.name,
                f"{round(selected):,} of {round(sample.entries):,}".replace(",", "\u202f"),
                f"{100 * accepted:.3g}%",
            )
        )
    return found
