"""Amplification: errors of generated entries in cells of equal true shares, beside those of the training entries."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from hepad.generators.amplification import AmplificationStudy, sampling_error
from hepad.plots.style import house_style, legend_above_data, sign

_LOOKS: Final = (("#20639b", "s", "--"), ("#bd1f01", "o", "-"), ("#3f7f3f", "^", "-."), ("#8c564b", "D", ":"))
_BAND: Final = (0.16, 0.84)


def plot_amplification(studies: Mapping[str, AmplificationStudy], n_cells: int, *, note: str | None = None) -> Figure:
    """Quantile error of M generated entries over that of N training entries, and amplification in all cells.

    On the left the error against M / N, the mean over generators with the band that holds 68% of them; a generator that
    is below 1 says more of the truth than its training entries. On the right one over the error at the largest M: how
    many times N the generated entries are worth, against the number of cells.

    Args:
        studies: what each is called → its errors.
        n_cells: the number of cells on the left.
        note: what the data are.

    Raises:
        ValueError: no study, more than four, or one without so many cells.
    """
    if not 0 < len(studies) <= len(_LOOKS) or any(n_cells not in study.cells for study in studies.values()):
        raise ValueError(f"1 to {len(_LOOKS)} studies that have {n_cells} cells are needed")
    with house_style():
        figure = Figure(figsize=(17.0, 7.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        ratios = np.concatenate([study.counts / study.n_entries for study in studies.values()])
        line = np.array([ratios.min(), ratios.max()])
        for (name, study), (colour, marker, dashes) in zip(studies.items(), _LOOKS, strict=False):
            x = study.counts / study.n_entries
            errors = study.generated[:, list(study.cells).index(n_cells)] / sampling_error(n_cells, study.n_entries)
            left.fill_between(x, *np.quantile(errors, _BAND, axis=0), color=colour, alpha=0.2, linewidth=0)
            left.plot(x, errors.mean(axis=0), dashes, marker=marker, color=colour, label=f"{name}, generated")
            gain, error = study.gains
            right.errorbar(
                study.cells, gain, error, fmt=dashes, marker=marker, color=colour, markersize=8, capsize=4, label=name
            )
        left.plot(line, 1 / line, color="0.3", linewidth=1.4, label="M entries of the truth")
        for axes in (left, right):
            axes.axhline(1, color="0.6", linewidth=2.0, zorder=0, label="N training entries")
            axes.set_xscale("log")
            axes.set_yscale("log")
        left.set_xlim(*line)
        left.set_xlabel("Generated over training entries, M / N")
        left.set_ylabel("Quantile error over that of N entries")
        right.set_xlabel("Number of cells")
        right.set_ylabel(f"Amplification, M = {ratios.max():g} N")
        sign(left)
        sign(right, note)
        right.set_title("", loc="left")
        shown = np.unique(np.concatenate([study.cells for study in studies.values()]))
        right.set_xticks(shown, [f"{n:g}" for n in shown])
        right.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        right.yaxis.set_major_formatter("{x:g}")
        right.minorticks_off()
        legend_above_data(left, columns=2, fontsize=15, title=f"{n_cells} cells", title_fontsize=15, alignment="left")
        legend_above_data(right, columns=2, fontsize=15)
    return figure
