"""The work of `hepad.export format=conifer`: a run's trees as a project for an FPGA, simulated and described."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.core.batch import take_rows
from hepad.core.errors import JobError
from hepad.exporting.description import as_text, package_versions
from hepad.exporting.export_run import tested_data
from hepad.exporting.parity import Parity
from hepad.exporting.requirements import ExportRequest
from hepad.firmware.conifer_project import simulate_trees, write_trees
from hepad.firmware.export_firmware import Simulated, new_directory, run_scores, whole_cut
from hepad.firmware.page import DESCRIPTION, write_trees_page
from hepad.firmware.scan import WIDTHS, ScoredSamples, compared
from hepad.firmware.trees import RoundedForest, forest_of, rounded_forest
from hepad.run.loading import load_run
from hepad.rundir.facts import read_provenance
from hepad.rundir.thresholds_file import current_thresholds

_WIDTH: Final = 16


def export_trees(request: ExportRequest) -> None:
    """Write the project of a run's trees, simulate it, and describe what rounding loses at each width.

    Raises:
        UserError: no such run, its data are gone, or its model has no trees that are summed.
        JobError: the trees are not the run's model, or the simulation is not the trees; nothing is kept.
    """
    run = load_run(request.run)
    forest = forest_of(run.model)
    data = tested_data(run)
    tested = {name: take_rows(entries.batch, slice(request.entries)) for name, entries in data.test_entries.items()}
    background = str(read_provenance(run.trained_in).get("background") or run.settings.data.background)
    entries = {name: batch.x.flatten(1).double().numpy() for name, batch in tested.items()}
    weights = {name: None if b.weight is None else b.weight.double().numpy() for name, b in tested.items()}
    exact = {name: forest.score(x) for name, x in entries.items()}
    samples = ScoredSamples(background, entries, weights, exact)
    expected = forest.from_score(run_scores(run.model, tested))
    parity = Parity.of(expected, np.concatenate(list(exact.values())), signed=True)
    if parity.max_relative > request.tolerance:
        raise JobError(
            f"format=conifer: sums of leaves differ from the run's scores by up to {parity.max_relative:.2g} of their "
            f"size (tolerance={request.tolerance:g}); nothing was written"
        )
    width, score_width = request.width or _WIDTH, request.score_width or _WIDTH
    chosen = rounded_forest(forest, width, score_width)
    rounded = {name: chosen.score(x) for name, x in entries.items()}
    scan = {w: _scores(rounded_forest(forest, w, score_width), samples) for w in WIDTHS}
    with new_directory(request.output, request.overwrite) as directory:
        simulated = _simulated(chosen, entries, rounded) if request.simulate else None
        estimate = write_trees(chosen, directory)
        points = current_thresholds(run.directory, run.checkpoint_sha256)
        cuts = {name: float(forest.from_score(np.array(float(p["threshold"])))) for name, p in points.items()}
        facts: dict[str, Any] = {
            "format": "conifer",
            "model": run.settings.model.target,
            "run": run.directory.resolve().name,
            "checkpoint_sha256": run.checkpoint_sha256,
            "background": background,
            "input": {
                "type": f"ap_fixed<{width},1,AP_TRN,AP_SAT>",
                "features": None if run.features is None else list(run.features),
                "shift": chosen.exponents.astype(int).tolist(),
                "units": "raw, as in the run's files, times 2^shift",
            },
            "score": {"type": str(chosen.score_format), "step": chosen.score_format.step, "formula": forest.formula},
            "thresholds": {name: whole_cut(cut, chosen.score_format) for name, cut in cuts.items()},
            "width": width,
            "trained_bits": None,
            "trees": len(chosen.forest.trees.feature),
            "comparisons": int((forest.trees.left.numpy() != np.arange(forest.trees.left.shape[1])).sum()),
            "estimate": estimate,
            "parity": {"entries": parity.entries, "max_relative": parity.max_relative},
            "simulation": None if simulated is None else asdict(simulated),
            "samples": {name: asdict(loss) for name, loss in compared(samples, rounded).items()},
            "width_scan": {
                str(w): {name: asdict(loss) for name, loss in compared(samples, each).items()}
                for w, each in scan.items()
            },
            "versions": package_versions(("conifer", "hls4ml", "torch")),
        }
        (directory / DESCRIPTION).write_text(as_text(facts), encoding="utf-8")
        if request.card:
            write_trees_page(directory, facts, compared(samples, exact))
    _tell(request.output, facts)


def _scores(forest: RoundedForest, samples: ScoredSamples) -> dict[str, Any]:
    return {name: forest.score(x) for name, x in samples.entries.items()}


def _simulated(forest: RoundedForest, entries: dict[str, Any], rounded: dict[str, Any]) -> Simulated:
    """Return the agreement of conifer's C++ with the rounded trees; raise `JobError` where there is none."""
    with tempfile.TemporaryDirectory() as place:
        found = simulate_trees(forest, np.concatenate(list(entries.values())), Path(place) / "simulation")
    differing = int((found != np.concatenate(list(rounded.values()))).sum())
    if differing:
        raise JobError(
            f"format=conifer: {differing} of {len(found)} scores of the simulation are not those of the rounded trees; "
            "nothing was written"
        )
    return Simulated(len(found), differing)


def _tell(directory: Path, facts: dict[str, Any]) -> None:
    print(f"{'sample':16} {'max |Δ|':>9} {'mean |Δ|':>9} {'AUC':>7}")
    for name, loss in facts["samples"].items():
        area = "" if loss["auc"] is None else f"{loss['auc']:.4f}"
        print(f"{name:16} {loss['max_absolute']:9.2g} {loss['mean_absolute']:9.2g} {area:>7}")
    if (simulated := facts["simulation"]) is None:
        print("note: simulate=false; nothing was compiled, scores are those of hepad's own rounding")
    else:
        print(f"C simulation: {simulated['entries']:,} scores, all of them to the bit those of the rounded trees")
    estimate = facts["estimate"]
    print(
        f"{facts['trees']} trees, {facts['comparisons']:,} comparisons of {facts['width']} bits; conifer estimates "
        f"{estimate['latency']} clock cycles, {estimate['lut']:,} look-up tables, {estimate['ff']:,} registers"
    )
    print(f"{directory} is written, with {DESCRIPTION}")
