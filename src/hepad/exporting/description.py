"""The JSON beside an exported file: what it takes and gives, what it was made of, how well it agrees."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from hepad import __version__
from hepad.exporting.parity import Parity
from hepad.exporting.scorer import Scorer
from hepad.run.loading import Run
from hepad.rundir.facts import read_provenance

_PACKAGES: Final = {
    "onnx": ("torch", "onnx", "onnxscript", "onnxruntime"),
    "torch_export": ("torch",),
}


def describe(run: Run, scorer: Scorer, format_name: str) -> dict[str, Any]:
    """Return what the exported file of a run takes and gives."""
    facts = read_provenance(run.trained_in)
    return {
        "format": format_name,
        "model": run.settings.model.target,
        "run": run.directory.resolve().name,
        "checkpoint_sha256": run.checkpoint_sha256,
        "background": facts.get("background") or run.settings.data.background,
        "inputs": _inputs(run, scorer),
        "outputs": [
            {"name": "score", "type": "float32", "shape": ["batch"], "meaning": "higher is more anomalous"},
            *(
                {"name": f"accepted_{name}", "type": "bool", "shape": ["batch"], "meaning": f"score > {cut!r}"}
                for name, cut in scorer.thresholds.items()
            ),
        ],
        "thresholds": dict(scorer.thresholds),
        "versions": package_versions(_PACKAGES[format_name]),
    }


def package_versions(names: Sequence[str]) -> dict[str, str | None]:
    """Return the versions of hepad and of packages; None of what is not installed."""
    return {"hepad": __version__, **{name: _version(name) for name in names}}


def parity_facts(parity: Parity, each: Mapping[str, Parity]) -> dict[str, Any]:
    """Return the agreement of a file with its model, as it is kept."""
    return {
        **_parity(parity),
        "relative_to": "the model's score; where scores may be negative, at least their median size",
        "samples": {name: _parity(found) for name, found in each.items()},
    }


def as_text(facts: Mapping[str, Any]) -> str:
    """Return facts as JSON."""
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _inputs(run: Run, scorer: Scorer) -> list[dict[str, Any]]:
    shape = list(scorer.entry_shape)
    units = "raw, as in the files that the run was trained on (GeV, rad)"
    found: list[dict[str, Any]] = [{"name": "x", "type": "float32", "shape": ["batch", *shape], "units": units}]
    if run.features is not None:
        found[0]["features"] = list(run.features)
    if "mask" in scorer.input_names:
        found[0]["units"] += "; 0 in empty slots"
        found.append({"name": "mask", "type": "bool", "shape": ["batch", shape[0]], "units": "true for real objects"})
    if "context" in scorer.input_names:
        names = list(run.context_names)
        found.append(
            {"name": "context", "type": "float32", "shape": ["batch", len(names)], "units": "raw", "features": names}
        )
    return found


def _parity(parity: Parity) -> dict[str, Any]:
    return {
        "entries": parity.entries,
        "max_absolute": parity.max_absolute,
        "max_relative": parity.max_relative,
        "wrong_decisions": parity.decisions,
        "beyond_tolerance": parity.beyond,
        "in_parts_of_rounding": parity.of_rounding,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
