"""Lineage of a run: the data and models it is made from, and what a model says of itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.logging.tracker import Input
from hepad.metrics import Evaluation
from hepad.rundir.config_file import read_config
from hepad.rundir.facts import read_provenance


def data_inputs(facts: Mapping[str, Any]) -> list[Input]:
    """Return the samples of a run, each known by the hash that provenance has of its file.

    Args:
        facts: provenance; its `data` has the file and the SHA-256 of every sample.
    """
    return [
        Input(
            "dataset",
            f"data-{sample}",
            {f"{sample}{Path(known['file']).suffix}": Path(known["file"])},
            known["sha256"],
            {"file": known["file"], "background": sample == facts.get("background")},
        )
        for sample, known in facts.get("data", {}).items()
    ]


def run_input(run_dir: Path, role: str) -> list[Input]:
    """Return the best model of another run, under the name that its own W&B run gave it; nothing where it has none.

    Args:
        run_dir: the run, such as a student's teacher or the run that is evaluated.
        role: what it is to this run.
    """
    checkpoint = run_dir / "checkpoints" / "best.ckpt"
    if not checkpoint.is_file():
        return []
    sha256 = file_sha256(checkpoint)
    identity = read_provenance(run_dir).get("wandb") or {}
    name = f"model-{identity.get('id') or sha256[:16]}"
    files = {"checkpoints/best.ckpt": checkpoint, "config.yaml": run_dir / "config.yaml"}
    return [Input("model", name, files, sha256, {"run": str(run_dir), "role": role}, _logs_its_model(run_dir))]


def _logs_its_model(run_dir: Path) -> bool:
    try:
        loggers = read_config(run_dir).get("logger") or {}
    except UserError:
        return False
    return any((logger or {}).get("log_model", "none") != "none" for logger in loggers.values())


def headline(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the one number of a run: its AUC minus that of the best score that needs no model, mean over signals.

    Nothing where the run has no signal. A run with several references has that of the first.

    >>> from hepad.logging.lineage import headline
    >>> headline({"test/verdict/vs_qcd/mean_difference": 0.03, "test/auc/top_vs_qcd": 0.9})
    {'test/verdict/vs_qcd/mean_difference': 0.03}
    """
    names = [name for name in metrics if name.startswith("test/verdict/") and name.endswith("/mean_difference")]
    return {name: metrics[name] for name in names[:1]}


def model_metadata(evaluation: Evaluation, cfg: RunConfig, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader of a model should know: its headline number, AUCs, config, and the hashes of its data."""
    return {
        "headline": headline(evaluation.metrics),
        "auc": {
            name: value
            for name, value in evaluation.metrics.items()
            if name.startswith("test/auc/") and name.count("/") == 2
        },
        "model": cfg.model.target,
        "background": evaluation.background,
        "parameters": facts.get("parameters"),
        "data_sha256": {sample: known["sha256"] for sample, known in facts.get("data", {}).items()},
        "git_revision": facts.get("git_revision"),
        "config": cfg.plain(),
    }
