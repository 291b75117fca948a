"""Rounded trees as a project of conifer for Vitis HLS, and their simulation by conifer's C++."""

import json
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.firmware.fixed_point import FloatArray
from hepad.firmware.trees import RoundedForest

NAME: Final = "trees"


def write_trees(forest: RoundedForest, directory: Path) -> dict[str, int]:
    """Write the project, and return conifer's own estimate of what it takes: clock cycles, look-up tables, registers.

    Args:
        forest: with its numbers.
        directory: of the project.
    """
    with _quiet():
        import conifer
        from conifer.utils.performance import performance_estimates

        settings = {"XilinxPart": "xcvu13p-flga2577-2-e", "ClockPeriod": 5, "Unroll": True, "AcceleratorConfig": None}
        config = {"Backend": "xilinxhls", **_config(forest, directory), **settings}
        model = conifer.model.make_model(as_dictionary(forest), config)
        model.write()
        found = {name: int(value) for name, value in performance_estimates(model).items()}
    described = directory / f"{NAME}.json"
    facts = json.loads(described.read_text())
    # Nobody's directory, name or computer.
    facts["config"]["output_dir"], facts["metadata"] = ".", []
    described.write_text(json.dumps(facts))
    for file in (directory / "hls_parameters.tcl", directory / "bridge.cpp"):
        file.write_text(file.read_text().replace(str(directory), "."))
    return found


def simulate_trees(forest: RoundedForest, x: FloatArray, directory: Path) -> FloatArray:
    """Return the sums `(B,)` of raw entries `(B, F)`, by conifer's C++ with the numbers of the project.

    The C++ of the project itself would be one program with a constant for each feature of each node: g++ takes minutes
    for twenty small trees. This one reads its trees from a file.

    Args:
        forest: with its numbers.
        x: entries.
        directory: an empty one, for what is compiled.

    Raises:
        OSError: the compiler fails.
    """
    with _quiet():
        import conifer

        config = {"Backend": "cpp", **_config(forest, directory)}
        model = conifer.model.make_model(as_dictionary(forest), config)
        directory.mkdir(parents=True, exist_ok=True)
        try:
            model.compile()
        except Exception as error:
            raise OSError(f"g++ could not build conifer's simulation: {error}") from error
        found = model.decision_function(forest.shifted(x))
    shutil.rmtree(directory)
    return np.asarray(found, dtype=np.float64).reshape(len(x))


def as_dictionary(forest: RoundedForest) -> dict[str, Any]:
    """Return trees as conifer's dictionary of nodes; of leaves the feature is -2."""
    trees = forest.forest.trees
    found = []
    for i in range(len(trees.feature)):
        left, right = (part[i].numpy().astype(int) for part in (trees.left, trees.right))
        n = (
            int(
                max(
                    left.max(where=left != np.arange(len(left)), initial=0),
                    right.max(where=right != np.arange(len(right)), initial=0),
                )
            )
            + 1
        )
        leaf = left[:n] == np.arange(n)
        feature = np.where(leaf, -2, trees.feature[i, :n].numpy())
        weight = (feature[:, None] == np.arange(forest.forest.n_features)).astype(int)
        found.append(
            [
                {
                    "feature": feature.tolist(),
                    "weight": weight.tolist(),
                    "threshold": np.where(leaf, 0.0, trees.threshold[i, :n].numpy()).tolist(),
                    "value": trees.value[i, :n].tolist(),
                    "children_left": np.where(leaf, -1, left[:n]).tolist(),
                    "children_right": np.where(leaf, -1, right[:n]).tolist(),
                }
            ]
        )
    return {
        "max_depth": max(_depth(tree) for (tree,) in found),
        "n_trees": len(found),
        "n_features": forest.forest.n_features,
        "n_classes": 2,
        "trees": found,
        "init_predict": [forest.forest.offset],
        "norm": 1,
        "library": "hepad",
        "splitting_convention": "<=",
    }


def _depth(tree: dict[str, Any]) -> int:
    depth = np.zeros(len(tree["feature"]), dtype=int)
    # Nodes come after those above them.
    for i, (left, right) in enumerate(zip(tree["children_left"], tree["children_right"], strict=True)):
        if left >= 0:
            depth[[left, right]] = depth[i] + 1
    return int(depth.max())


def _config(forest: RoundedForest, directory: Path) -> dict[str, str]:
    given = f"ap_fixed<{forest.given.width},{forest.given.integer},AP_TRN,AP_SAT>"
    return {
        "ProjectName": NAME,
        "OutputDir": str(directory),
        "InputPrecision": given,
        "ThresholdPrecision": given,
        "WeightPrecision": "ap_uint<1>",
        "ScorePrecision": str(forest.score_format),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep conifer's words off the terminal; give its compiler hls4ml's copy of AMD's headers, which it has none of."""
    logging.getLogger("conifer").setLevel(logging.ERROR)
    before = os.environ.get("XILINX_AP_INCLUDE")
    if before is None and (package := find_spec("hls4ml")) is not None and package.origin is not None:
        os.environ["XILINX_AP_INCLUDE"] = str(Path(package.origin).parent / "templates/vivado/ap_types")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            os.environ.pop("XILINX_AP_INCLUDE", None)
