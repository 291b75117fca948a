"""Comet as a tracker: online where a key is found, else an archive beside the run that `comet upload` sends later."""

import json
import logging
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lightning.pytorch.loggers import CometLogger

from hepad.core.errors import UserError, one_line
from hepad.core.names import python_command
from hepad.logging.results import Results, flattened
from hepad.logging.tracker import (
    ALERTS,
    CHECKPOINTS,
    Input,
    ModelFiles,
    Notice,
    Tracker,
    require_word,
)

MODES: Final = ("auto", "online", "offline", "disabled")
_LONGEST_VALUE: Final = 1000
_ID_FILE: Final = "comet/experiment_key"


class RunCometLogger(CometLogger, Tracker):
    """Lightning's Comet logger, which takes the results of a run too.

    Args:
        checkpoints: a key of `hepad.logging.tracker.CHECKPOINTS`.
        report: whether the report page is kept.
        data: whether the data sets are recorded: all but `none`.
        alert: one of `hepad.logging.tracker.ALERTS`; Comet sends mails, while it is online.
        words: of Lightning's logger.
    """

    def __init__(self, checkpoints: str, report: bool, data: str, alert: str, **words: Any) -> None:
        self.checkpoints = checkpoints
        self.report = report
        self.data = data
        self.alert = alert
        super().__init__(**words)

    def _create_experiment(self) -> None:
        """Start the experiment; an offline one too, which Lightning 2.6 starts with logging disabled."""
        import comet_ml

        self._comet_config = comet_ml.ExperimentConfig(**self._kwargs)
        super()._create_experiment()

    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Log the config under its own keys (`model.latent`)."""
        given = vars(params) if isinstance(params, Namespace) else params
        values = ((key, value) for key, value in flattened(given) if value is not None)
        self.experiment.log_parameters(
            {key: value[:_LONGEST_VALUE] if isinstance(value, str) else value for key, value in values}
        )

    def log_results(self, results: Results) -> None:
        """Log numbers, pictures, tables, charts of curves, and histograms of the scores."""
        experiment = self.experiment
        experiment.log_metrics(dict(results.metrics), epoch=results.epoch)
        for name, path in results.pictures.items():
            experiment.log_image(str(path), name=f"plots/{name}")
        for name, table in results.all_tables().items():
            plain = [list(row) for row in table.rows]
            experiment.log_table(f"{name}.csv", tabular_data=plain, headers=list(table.columns))
        for name, chart in results.charts.items():
            if chart.kind == "curves":
                column = {title: i for i, title in enumerate(chart.table.columns)}
                for line in dict.fromkeys(row[column["class"]] for row in chart.table.rows):
                    rows = [row for row in chart.table.rows if row[column["class"]] == line]
                    points = [(row[column[chart.x]], row[column[chart.y]]) for row in rows]
                    x, y = zip(*points, strict=True)
                    experiment.log_curve(f"{name}/{line}", list(x), list(y))
        for name, sample in results.scores.items():
            experiment.log_histogram_3d(sample.score, name=f"test/scores/{name}", epoch=results.epoch)

    def log_totals(self, totals: Mapping[str, float]) -> None:
        """Log times and sizes; the curves have their own points, which the best epoch's would be drawn into."""
        own = {name: value for name, value in totals.items() if not name.startswith(("train/", "val/"))}
        self.experiment.log_metrics(own)

    def log_model(self, model: ModelFiles) -> None:
        """Keep the checkpoints and the config as the model `hepad`, and what is known of it."""
        for name in CHECKPOINTS[self.checkpoints]:
            path = model.run_dir / "checkpoints" / f"{name}.ckpt"
            self.experiment.log_model(
                name, str(path), file_name=f"{name}.ckpt", metadata=json.loads(json.dumps(dict(model.metadata)))
            )
            self.experiment.log_model(name, str(model.run_dir / "config.yaml"), file_name="config.yaml")

    def log_report(self, report: Path) -> None:
        """Keep the report page, where it is wanted."""
        if self.report:
            self.experiment.log_asset(str(report), file_name="report.html")

    def use_inputs(self, inputs: Sequence[Input]) -> None:
        """Record what the run was made from, by its hash."""
        if self.data != "none":
            for item in inputs:
                self.experiment.log_other(f"{item.kind}/{item.name}", item.sha256)

    def notify(self, notice: Notice) -> None:
        """Ask Comet for a mail; offline there is none."""
        if notice.is_wanted(self.alert):
            status = "failed" if notice.failed else "finished"
            self.experiment.send_notification(notice.title, status, {"text": notice.text})

    def finish(self, exit_code: int) -> None:
        """End the experiment: everything is uploaded, or written to the archive."""
        self.experiment.log_other("exit_code", exit_code)
        self.experiment.end()


def comet_archives(run_dir: Path) -> list[Path]:
    """Return the archives of a run that were written offline, oldest first."""
    return sorted((run_dir / "comet").glob("*.zip"), key=lambda path: path.stat().st_mtime)


def comet_logger(
    save_dir: str,
    mode: str = "auto",
    project: str = "hepad",
    entity: str | None = None,
    name: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Sequence[str] = (),
    notes: str | None = None,
    id: str | None = None,
    log_model: str = "none",
    log_report: bool = False,
    log_data: str = "reference",
    log_console: bool = False,
    alert: str = "none",
) -> RunCometLogger | None:
    """Start the Comet experiment of a training, or go on with the one that `save_dir` says it has; None for disabled.

    Args:
        save_dir: the run's directory; offline archives go to `save_dir/comet`, and the experiment's key is kept there.
        mode: `auto` goes online where a key is found (COMET_API_KEY or `~/.comet.config`); see `MODES`.
        project: of Comet.
        entity: Comet's workspace; None for your default one.
        name, tags: of the experiment.
        group, job_type, notes: kept with it, under these names.
        id: key of the experiment; None for the one that this directory has, else a new one.
        log_model: checkpoints to keep: `none`, `best` or `all`.
        log_report: whether the report page is kept.
        log_data: whether what the run is made from is recorded: `none`, or any other word.
        log_console: whether what is printed goes to Comet too.
        alert: `none`, `end` or `failure`.

    Raises:
        UserError: Comet cannot be reached, or a word is unknown.
    """
    require_word("comet", "mode", mode, MODES)
    require_word("comet", "alert", alert, ALERTS)
    require_word("comet", "log_model", log_model, tuple(CHECKPOINTS))
    if mode == "disabled":
        return None
    # Comet would hook into torch, of which nothing is wanted.
    os.environ["COMET_DISABLE_AUTO_LOGGING"] = "1"
    from comet_ml.config import get_config

    # Importing it sets levels anew. What a user needs of its lines is printed at the end of the run.
    logging.getLogger("comet_ml").setLevel(logging.ERROR)
    for handler in logging.getLogger("comet_ml").handlers:
        handler.setLevel(logging.ERROR)

    has_key = bool(get_config("comet.api_key"))
    if mode == "online" and not has_key:
        raise UserError(
            f"logger.comet.mode=online, but there is no key; run `{python_command()} -m comet_ml.scripts.comet login` "
            "or set COMET_API_KEY"
        )
    online = has_key and mode != "offline"
    directory = Path(save_dir) / "comet"
    known = Path(save_dir) / _ID_FILE
    key = id or (known.read_text().strip() if known.is_file() else None)
    try:
        logger = RunCometLogger(
            log_model,
            log_report,
            log_data,
            alert,
            workspace=entity,
            project=project,
            experiment_key=key,
            online=online,
            offline_directory=str(directory),
            name=name or Path(save_dir).name,
            tags=list(tags),
            auto_output_logging="simple" if log_console else False,
            **_NOTHING_BY_ITSELF,
        )
    except Exception as error:
        # Comet raises a dozen types here: keys, names, networks.
        raise UserError(f"logger.comet: {one_line(error)}; logger.comet.mode=offline needs no network") from error
    for what, value in {"group": group, "job_type": job_type, "notes": notes}.items():
        if value:
            logger.experiment.log_other(what, value)
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(f"{logger.experiment.get_key()}\n")
    return logger


_NOTHING_BY_ITSELF: Final[Mapping[str, Any]] = {
    "log_code": False,
    "log_graph": False,
    "parse_args": False,
    "log_git_metadata": False,
    "log_git_patch": False,
    "log_env_details": False,
    "auto_param_logging": False,
    "auto_metric_logging": False,
    "auto_log_co2": False,
    "display_summary_level": 0,
}
"""Settings that stop Comet from collecting code, command line, git patches and host: provenance has what is needed."""
