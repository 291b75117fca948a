"""A run at a glance, as HTML that stands in a notebook: no network, no script, all text escaped."""

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from hepad.metrics import PairResult, pair_result
from hepad.metrics.verdict import verdict_sentence
from hepad.report.content import Cell
from hepad.report.formatting import format_cell
from hepad.report.headline import auc_cell, difference_cell, trivial_cell
from hepad.report.picture import Picture

_TITLES: Final = ("Signal", "AUC", "Best trivial score", "Difference")
_RIGHT: Final = Markup(' style="text-align: right"')


def run_card(title: str, place: str, background: str, metrics: Mapping[str, float], picture: Picture | None) -> str:
    """Return a run's title, its AUCs beside the best trivial score, the verdict and the ROC curves.

    Args:
        title: of the run, such as `vae on jets`.
        place: its directory.
        background: the sample that it was trained on, and signals are compared with.
        metrics: flat name → number.
        picture: the ROC curves; None for none.

    >>> from hepad.report.run_card import run_card
    >>> metrics = {"test/auc/ttbar_vs_qcd": 0.84, "test/baseline_auc/sum_pt/ttbar_vs_qcd": 0.81}
    >>> card = run_card("vae on <jets>", "outputs/my_run", "qcd", metrics, None)
    >>> "vae on &lt;jets&gt;" in card, "0.8400" in card, "0.8100" in card
    (True, True, True)
    """
    end = f"_vs_{background}"
    signals = [name.removeprefix("test/auc/").removesuffix(end) for name in metrics if _is_auc(name, end)]
    pairs = [found for signal in signals if (found := pair_result(metrics, signal, background)) is not None]
    parts = [
        Markup("<p><b>{}</b>, background {}<br><small>{}</small></p>").format(title, background, place),
        _table(pairs) if pairs else Markup("<p>No AUC: there is no signal to compare with.</p>"),
    ]
    if (sentence := verdict_sentence(metrics, background, "loudness")) is not None:
        parts.append(Markup("<p>{}</p>").format(sentence))
    if picture is not None:
        alt = f"ROC curves against {background}"
        parts.append(Markup('<img src="{}" alt="{}" width="480">').format(picture.data_url, alt))
    return str(Markup("<div>{}</div>").format(Markup("").join(parts)))


def _is_auc(name: str, end: str) -> bool:
    return name.startswith("test/auc/") and name.endswith(end)


def _table(pairs: list[PairResult]) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(title) for title in _TITLES)
    rows = Markup("").join(
        _row([found.signal, auc_cell(found), trivial_cell(found), difference_cell(found)]) for found in pairs
    )
    return Markup("<table><tr>{}</tr>{}</table>").format(head, rows)


def _row(cells: list[Cell]) -> Markup:
    made = (
        Markup("<td{}>{}</td>").format(_RIGHT if place else "", format_cell(cell)) for place, cell in enumerate(cells)
    )
    return Markup("<tr>{}</tr>").format(Markup("").join(made))
