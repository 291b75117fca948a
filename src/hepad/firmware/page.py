"""The page on a scorer in firmware: what rounding loses at each width, and what each layer costs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hepad.firmware.scan import Loss
from hepad.plots import save_figure
from hepad.plots.bit_widths import plot_bit_widths
from hepad.report import Cell, Report, Section, Table, write_report

DESCRIPTION: Final = "scorer.json"
_CARD: Final = "card.html"


def write_page(directory: Path, facts: Mapping[str, Any], exact: Mapping[str, Loss]) -> Path:
    """Write the page and its figure into a project.

    Args:
        directory: of the project.
        facts: its description.
        exact: of scores in float64, by sample.
    """
    simulated = facts["simulation"]
    report = Report(
        f"Firmware of {facts['run']}",
        f"{facts['model'].rpartition('.')[2]} by hls4ml, {facts['width']} bits",
        key_figures=[
            ("Multipliers", f"{facts['resources']['multipliers']:,}"),
            ("Bit operations", f"{facts['resources']['bit_operations']:,}"),
            ("Levels of logic", str(facts["resources"]["levels"])),
            ("Simulated to the bit", "not built" if simulated is None else f"{simulated['entries']:,} entries"),
        ],
        sections=[
            Section("Scores", tables=[scores_table(facts, exact)]),
            *(
                [Section("Width", tables=[width_table(facts, exact)], figures=_width_figures(directory, facts, exact))]
                if facts["width_scan"]
                else []
            ),
            Section("Layers", tables=[layers_table(facts)], notes=_NOTES),
            Section("Numbers", tables=[numbers_table(facts)]),
        ],
        provenance={"versions": facts["versions"], "checkpoint_sha256": facts["checkpoint_sha256"]},
    )
    return write_report(directory / _CARD, report)


def _width_figures(directory: Path, facts: Mapping[str, Any], exact: Mapping[str, Loss]) -> list[tuple[str, Path]]:
    signals = [name for name in facts["samples"] if name != facts["background"]]
    if not signals:
        return []
    widths = {int(width): {name: each[name]["auc"] for name in signals} for width, each in facts["width_scan"].items()}
    aucs = {name: float(exact[name].auc or 0) for name in signals}
    figure = plot_bit_widths(widths, aucs, facts["background"], chosen=facts["width"])
    (png,) = save_figure(figure, directory / "auc_width")
    return [("Change of each AUC by rounding, against the width.", png)]


def write_trees_page(directory: Path, facts: Mapping[str, Any], exact: Mapping[str, Loss]) -> Path:
    """Write the page of rounded trees; arguments as of `write_page`."""
    estimate = facts["estimate"]
    report = Report(
        f"Firmware of {facts['run']}",
        f"{facts['trees']} trees by conifer, {facts['width']} bits",
        key_figures=[
            ("Comparisons", f"{facts['comparisons']:,}"),
            ("Clock cycles, estimated", str(estimate["latency"])),
            ("Look-up tables, estimated", f"{estimate['lut']:,}"),
            ("Registers, estimated", f"{estimate['ff']:,}"),
        ],
        sections=[
            Section("Scores", tables=[scores_table(facts, exact)]),
            Section("Width", tables=[width_table(facts, exact)], figures=_width_figures(directory, facts, exact)),
        ],
        provenance={"versions": facts["versions"], "checkpoint_sha256": facts["checkpoint_sha256"]},
    )
    return write_report(directory / _CARD, report)


_NOTES: Final = [
    "Counted, not synthesised: how many look-up tables, registers and clock cycles it takes says Vitis HLS alone. "
    "Every product has a multiplier of its own (reuse factor 1), so that a new entry can come with each clock. A slice "
    "DSP48E2 multiplies 27 × 18 bits (AMD UG579), so at most one of them is taken by each multiplier; narrow ones are "
    "built of look-up tables. Bit operations are the EBOPs of Sun et al. (arXiv:2405.00645), about the look-up tables, "
    "and 55 for each DSP slice, that a synthesised network takes. "
    "Levels are those of products and trees of additions or comparisons, one after the other.",
]


_AT_FPR: Final = "At FPR 1%: the share beyond the threshold that lets 1% of the background through."


def scores_table(facts: Mapping[str, Any], exact: Mapping[str, Loss]) -> Table:
    """Return what each sample loses at the width that was chosen, or what a run trained in its numbers has."""
    if facts["trained_bits"] is not None:
        own: list[list[Cell]] = [
            [name, loss["saturated"], loss["auc"], loss["efficiency"]] for name, loss in facts["samples"].items()
        ]
        told = f"Scores of {facts['score']['type']}, those of the run to the bit: it was trained in these numbers. "
        return Table(["Sample", "Saturated", "AUC", "At FPR 1%"], own, told + _AT_FPR)
    rows: list[list[Cell]] = [
        [
            name, loss["max_absolute"], loss["mean_absolute"], loss["saturated"], loss["auc"], exact[name].auc,
            loss["efficiency"], exact[name].efficiency,
        ]
        for name, loss in facts["samples"].items()
    ]  # fmt: skip
    return Table(
        ["Sample", "max |Δ|", "mean |Δ|", "Saturated", "AUC", "AUC, float64", "At FPR 1%", "At FPR 1%, float64"],
        rows,
        f"Scores of {facts['score']['type']} beside those in float64; differences are of entries whose score "
        "is not the largest number, "
        "though a layer before it may saturate. " + _AT_FPR,
    )


def width_table(facts: Mapping[str, Any], exact: Mapping[str, Loss]) -> Table:
    """Return AUCs and the largest difference on the background at each width."""
    background = facts["background"]
    signals = [name for name in facts["samples"] if name != background]
    rows: list[list[Cell]] = [
        [width, each[background]["mean_absolute"], *(each[name]["auc"] for name in signals)]
        for width, each in facts["width_scan"].items()
    ]
    rows.append(["float64", 0.0, *(exact[name].auc for name in signals)])
    return Table(
        ["Bits", f"mean |Δ| of {background}", *signals],
        rows,
        f"AUC against {background} where "
        + (
            "thresholds have so many bits; leaves and score have those of score_width."
            if facts["format"] == "conifer"
            else "weights and results have so many bits, rounded after training. The input, the score and biases have "
            "at least those of input_width and score_width."
        ),
    )


def layers_table(facts: Mapping[str, Any]) -> Table:
    """Return what each layer costs."""
    names = ("multipliers", "shifts", "zeros", "weight_bits", "bit_operations", "depth")
    rows: list[list[Cell]] = [[cost["name"], *(cost[name] for name in names)] for cost in facts["resources"]["layers"]]
    rows.append(["all", *(facts["resources"][name] for name in names[:-1]), facts["resources"]["levels"]])
    return Table(
        ["Layer", "Multipliers", "Powers of two", "Weights of 0", "Bits of weights", "Bit operations", "Levels"], rows
    )


def numbers_table(facts: Mapping[str, Any]) -> Table:
    """Return the numbers that go through the network, and thresholds as whole ones."""
    rows: list[list[Cell]] = [["input", facts["input"]["type"]]]
    rows += [
        [f"{each['layer']}, {what}", each[what]]
        for each in facts["layers"]
        for what in ("weight", "bias", "result")
        if each[what] is not None
    ]
    rows += [
        [f"threshold {name}", f"score / {facts['score']['step']:g} > {cut['whole']}"]
        for name, cut in facts["thresholds"].items()
    ]
    return Table(["What", "Numbers"], rows)
