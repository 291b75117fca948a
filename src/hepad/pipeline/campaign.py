"""The end of a campaign, a sweep or a pipeline of several runs, told to its trackers once."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hepad.config import RunConfig
from hepad.core.names import python_command
from hepad.logging.log import SafeLogging, log_report, notify
from hepad.logging.loggers import build_loggers, wandb_home
from hepad.logging.results import Results
from hepad.logging.tracker import Notice, tell

_SILENT: Final = {None, "none"}


def silenced(config: RunConfig) -> RunConfig:
    """Return a config whose loggers send no notice: that of one run of a campaign, which sends its own.

    >>> from hepad.config import RunConfig, compose
    >>> from hepad.pipeline.campaign import silenced
    >>> config = compose("train", ["paths.run=run", "logger.wandb.alert=end"])
    >>> silenced(RunConfig.of(config)).loggers["wandb"]["alert"]
    'none'
    """
    return config.changed(
        {f"logger.{name}.alert": "none" for name, logger in config.loggers.items() if "alert" in logger}
    )


def announce(
    config: RunConfig,
    directory: Path,
    job_type: str,
    notice: Notice,
    results: Results | None = None,
    page: Path | None = None,
) -> list[str]:
    """Send the notice of a campaign through the trackers that are asked for one, and log what was found beside it.

    Each of them gets a run of its own for the campaign, of its own `job_type`, in the group of its runs. Where none is
    asked for a notice, nothing is done.

    Args:
        config: of one of the runs.
        directory: of the campaign: where the trackers write.
        job_type: `sweep` or `pipeline`.
        notice: what is sent.
        results: numbers and tables; None where there are none.
        page: of the campaign; logged where `log_report` is set.

    Returns:
        What went wrong, for the reader; failures cost no more.
    """
    loggers = _of_campaign(config, directory, job_type)
    if not loggers:
        return []
    log_safely = SafeLogging("; the campaign itself is complete")
    with wandb_home(directory):
        built: list[Any] = []
        log_safely(lambda: built.extend(build_loggers(loggers)))
        if results is not None:
            log_safely(tell, built, results)
        if page is not None:
            log_safely(log_report, built, page)
        log_safely(notify, built, notice)
        log_safely.finish(built, 1 if notice.failed else 0)
    if records := sorted((directory / "wandb").glob("offline-run-*")):
        print(f"notice  sent by: {python_command()} -m wandb sync {shlex.join(map(str, records))}", flush=True)
    return log_safely.warnings


def _of_campaign(config: RunConfig, directory: Path, job_type: str) -> dict[str, Mapping[str, Any]]:
    """Return the configs of those loggers that send notices, as those of the campaign itself."""
    loggers: dict[str, Mapping[str, Any]] = {}
    for name, component in config.loggers.items():
        logger = component.plain()
        if logger.get("alert") in _SILENT:
            continue
        own = {
            "save_dir": str(directory),
            "name": directory.name,
            "group": logger.get("group") or directory.name,
            "job_type": job_type,
            "id": None,
            "log_model": "none",
            "registry": None,
        }
        loggers[name] = logger | {key: value for key, value in own.items() if key in logger}
    return loggers
