"""The work of `hepad.export format=hls4ml`: a run's scorer as a project for an FPGA, simulated and described."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from hepad.core.batch import Batch, take_rows
from hepad.core.errors import JobError, UserError
from hepad.exporting.description import as_text, package_versions
from hepad.exporting.export_run import tested_data
from hepad.exporting.parity import Parity
from hepad.exporting.requirements import ExportRequest
from hepad.firmware.fixed_point import FixedPoint, FloatArray
from hepad.firmware.folding import as_given, fold, trained_numbers
from hepad.firmware.page import DESCRIPTION, write_page
from hepad.firmware.project import make_project, simulate, write_project
from hepad.firmware.resources import costs, totals
from hepad.firmware.rounding import RoundedNetwork, formats, rounded
from hepad.firmware.scan import Loss, ScoredSamples, compared, losses, scan
from hepad.models import AnomalyModel
from hepad.run.loading import Run, load_run
from hepad.rundir.facts import read_provenance
from hepad.rundir.thresholds_file import current_thresholds

_WIDTH: Final = 16
_HEADROOM: Final = 1
_CALIBRATION: Final = 20_000
_ROWS: Final = 8192


@dataclass(frozen=True)
class Simulated:
    """Agreement of the C simulation with the rounded network.

    Attributes:
        entries: how many were compared.
        differing: how many of them have another score, in any bit.
    """

    entries: int
    differing: int


def export_firmware(request: ExportRequest) -> None:
    """Write the project of a run's scorer, simulate it, and describe what it takes, loses and costs.

    Raises:
        UserError: no such run, its data are gone, or its model cannot be firmware.
        JobError: the network is not the run's model, or the simulation is not the network; nothing is kept.
    """
    run = load_run(request.run)
    network, trained = fold(run.model), trained_numbers(run.model)
    _check_widths(trained, request)
    data = tested_data(run)
    tested = {name: take_rows(entries.batch, slice(request.entries)) for name, entries in data.test_entries.items()}
    background = str(read_provenance(run.trained_in).get("background") or run.settings.data.background)
    entries = {name: as_given(run.model, batch.x, batch.mask) for name, batch in tested.items()}
    weights = {name: None if b.weight is None else b.weight.double().numpy() for name, b in tested.items()}
    # A run that was trained in its numbers has no others.
    exact = {name: (trained or network).score(x) for name, x in entries.items()}
    parity = _parity(run, tested, exact, request, trained is not None)
    samples = ScoredSamples(background, entries, weights, exact)
    val = take_rows(data.val_entries.batch, slice(_CALIBRATION))
    calibration = as_given(run.model, val.x, val.mask)
    headroom = _HEADROOM if request.headroom is None else request.headroom
    numbers = (headroom, request.input_width or _WIDTH, request.score_width or _WIDTH)
    chosen = trained or rounded(network, request.width or _WIDTH, calibration, *numbers)
    widths = {} if trained else scan(network, samples, calibration, *numbers)
    with new_directory(request.output, request.overwrite) as directory:
        project = make_project(chosen, directory)
        simulated, found = None, losses(samples, chosen)
        if request.simulate:
            simulated, found = _simulated(project, chosen, samples)
        write_project(project, directory)
        facts = _facts(run, chosen, found, parity, simulated)
        facts["trained_bits"] = None if trained is None else run.settings.model["bits"]
        facts["width"] = facts["trained_bits"] or request.width or _WIDTH
        facts["headroom"] = run.settings.model["headroom"] if trained else headroom
        facts["width_scan"] = {
            str(w): {name: asdict(loss) for name, loss in each.items()} for w, each in widths.items()
        }
        (directory / DESCRIPTION).write_text(as_text(facts), encoding="utf-8")
        if request.card:
            write_page(directory, facts, compared(samples, exact))
    for line in _lines(request.output, facts, request.card):
        print(line)


def _check_widths(trained: RoundedNetwork | None, request: ExportRequest) -> None:
    """Raise `UserError` for widths of a run that has its own."""
    if trained is None:
        return
    for name in ("width", "headroom", "input_width", "score_width"):
        if (given := getattr(request, name)) is not None:
            raise UserError(
                f"{name}={given}: this run was trained in fixed-point numbers (model.bits) and is written in them; "
                f"leave {name} out, or train one with other bits"
            )


def _parity(
    run: Run, tested: Mapping[str, Batch], exact: Mapping[str, FloatArray], request: ExportRequest, trained: bool
) -> Parity:
    """Return how the folded network agrees with the run's model, to the bit where that was trained in its numbers.

    Raises:
        JobError: it does not.
    """
    whole = run_scores(run.model, tested)
    parity = Parity.of(whole, np.concatenate(list(exact.values())), signed=bool((whole < 0).any()))
    if parity.max_relative > (0 if trained else request.tolerance):
        raise JobError(
            f"format=hls4ml: scores of the folded network differ from the run's by up to {parity.max_relative:.2g} of "
            f"their size (tolerance={0 if trained else request.tolerance:g}); nothing was written"
        )
    return parity


def run_scores(model: AnomalyModel, tested: Mapping[str, Batch]) -> FloatArray:
    """Return the scores of all samples, one after the other, float64."""
    found = []
    with torch.no_grad():
        for batch in tested.values():
            for start in range(0, len(batch.x), _ROWS):
                scores = model.anomaly_score(take_rows(batch, slice(start, start + _ROWS)))
                found.append(scores.double().numpy())
    return np.concatenate(found)


def _simulated(project: Any, network: RoundedNetwork, samples: ScoredSamples) -> tuple[Simulated, dict[str, Loss]]:
    """Return the agreement of the C simulation with the rounded network, and what it loses."""
    scores = simulate(project, np.concatenate(list(samples.entries.values())))
    parts = np.split(scores, np.cumsum([len(x) for x in samples.entries.values()])[:-1])
    by_sample = dict(zip(samples.entries, parts, strict=True))
    differing = sum(int((by_sample[name] != network.score(x)).sum()) for name, x in samples.entries.items())
    if differing:
        raise JobError(
            f"format=hls4ml: {differing} of {len(scores)} scores of the C simulation are not those of the rounded "
            "network; nothing was written"
        )
    return Simulated(len(scores), differing), compared(samples, by_sample, network.score_format.largest)


def _facts(
    run: Run,
    network: RoundedNetwork,
    found: Mapping[str, Loss],
    parity: Parity,
    simulated: Simulated | None,
) -> dict[str, Any]:
    each = costs(network)
    points = current_thresholds(run.directory, run.checkpoint_sha256)
    return {
        "format": "hls4ml",
        "model": run.settings.model.target,
        "run": run.directory.resolve().name,
        "checkpoint_sha256": run.checkpoint_sha256,
        "background": str(read_provenance(run.trained_in).get("background") or run.settings.data.background),
        "input": _input(run, network),
        "score": {"type": str(network.score_format), "step": network.score_format.step},
        "thresholds": {name: whole_cut(float(p["threshold"]), network.score_format) for name, p in points.items()},
        "layers": [
            {"layer": type(layer).__name__, "weight": told(w), "bias": told(b), "result": told(r)}
            for layer, w, b, r in formats(network)
        ],
        "resources": {**totals(each), "layers": [asdict(cost) for cost in each]},
        "folding": {"entries": parity.entries, "max_relative": parity.max_relative},
        "simulation": None if simulated is None else asdict(simulated),
        "samples": {name: asdict(loss) for name, loss in found.items()},
        "versions": package_versions(("hls4ml", "torch")),
    }


def told(numbers: FixedPoint | None) -> str | None:
    """Return numbers as Vitis HLS calls them."""
    return None if numbers is None else str(numbers)


def whole_cut(cut: float, numbers: FixedPoint) -> dict[str, float | int | bool]:
    """Return a threshold as a whole number of the score's steps: accepted is what is larger.

    >>> from hepad.firmware.fixed_point import FixedPoint
    >>> whole_cut(0.6, FixedPoint(8, 4))
    {'threshold': 0.6, 'whole': 9, 'reachable': True}
    """
    whole = int(np.floor(cut / numbers.step))
    return {"threshold": cut, "whole": whole, "reachable": bool(whole * numbers.step < numbers.largest)}


def _input(run: Run, network: RoundedNetwork) -> dict[str, Any]:
    shape = network.network.input_shape
    found: dict[str, Any] = {"shape": list(shape), "type": str(network.given), "units": "raw, as in the run's files"}
    if run.features is not None:
        found["features"] = list(run.features)
    if len(shape) == 2:
        found["features"] = [*found.get("features", ()), "real"]
        found["units"] += "; real is 1 for a real object, and all of an empty slot is 0"
    return found


def _lines(directory: Path, facts: Mapping[str, Any], card: bool) -> Iterator[str]:
    yield f"{'sample':16} {'max |Δ|':>9} {'mean |Δ|':>9} {'saturated':>9} {'AUC':>7}"
    for name, loss in facts["samples"].items():
        area = "" if loss["auc"] is None else f"{loss['auc']:.4f}"
        yield f"{name:16} {loss['max_absolute']:9.2g} {loss['mean_absolute']:9.2g} {loss['saturated']:9.2g} {area:>7}"
    simulated, sums = facts["simulation"], facts["resources"]
    if simulated is None:
        yield "note: simulate=false; nothing was compiled, scores are those of hepad's own rounding"
    else:
        yield f"C simulation: {simulated['entries']:,} scores, all of them to the bit those of the rounded network"
    yield (
        f"{facts['input']['type']} in, {facts['score']['type']} out; {sums['multipliers']:,} multipliers, "
        f"{sums['weight_bits']:,} bits of weights, {sums['bit_operations']:,} bit operations, "
        f"{sums['levels']} levels of logic, an entry each clock"
    )
    for name, cut in facts["thresholds"].items():
        if not cut["reachable"]:
            yield f"warning: threshold {name} is beyond the largest score; a larger headroom reaches it"
    yield f"{directory} is written, with {DESCRIPTION}{' and card.html' if card else ''}"


@contextmanager
def new_directory(target: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary directory beside the target, renamed when all went well."""
    target.parent.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        made.chmod(0o755)
        yield made
        if overwrite and target.exists():
            shutil.rmtree(target)
        made.rename(target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
