"""One sweep under way: its directory, and running jobs in it through Hydra's launcher."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from hepad.core.errors import Interrupted, JobOutcome, UserError
from hepad.core.files import remove_if_empty
from hepad.core.names import counted
from hepad.core.phases import PHASES, JobCount
from hepad.pipeline.job_processes import LOGS
from hepad.pipeline.jobs import Job, compose_job
from hepad.pipeline.sweep_record import FILE, SweepRecord, existing_run
from hepad.rundir.locking import RunStatus


class Session:
    """Runs the jobs of one sweep, those that are not done, and keeps its record.

    Args:
        loader: composes the configs.
        master: the config of the command; `sweep.name` is set in it.
        launcher: runs jobs, here or elsewhere.
        constant: the words that all jobs share.
        record: of the sweep; `sweep.json` in its directory.

    Attributes:
        count: of the jobs; a search says itself which of how many comes next.
    """

    def __init__(
        self, loader: ConfigLoader, master: DictConfig, launcher: Launcher, constant: Sequence[str], record: SweepRecord
    ) -> None:
        self.loader = loader
        self.master = master
        self.launcher = launcher
        self.constant = constant
        self.record = record
        self.count = JobCount()

    @property
    def directory(self) -> Path:
        """The sweep's directory."""
        return Path(str(self.master.hydra.sweep.dir)).absolute()

    @property
    def section(self) -> dict[str, Any]:
        """The section `sweep` of the config."""
        section = OmegaConf.to_container(self.master.sweep, resolve=True)
        assert isinstance(section, dict)
        return {str(key): value for key, value in section.items()}

    def job(self, name: str, settings: Mapping[str, str], extra: Sequence[str] = ()) -> Job:
        """Compose one job; see `compose_job`."""
        words = [
            *self.constant,
            *(f"{key}={value}" for key, value in settings.items()),
            f"sweep.name={self.master.sweep.name}",
            f"sweep.job={name}",
            *extra,
        ]
        return compose_job(self.loader, self.master, name, settings, words)

    def run(self, jobs: Sequence[Job], at_once: int | None = None) -> list[JobOutcome]:
        """Run those jobs that are not finished; return how each stands, in order. `sweep.json` is written.

        Args:
            jobs: all, or the next ones of a search.
            at_once: how many a search asks for at a time; None for all.
        """
        outcomes: dict[str, JobOutcome] = {}
        to_run: list[Job] = []
        for job in jobs:
            status, obstacle = existing_run(job)
            if obstacle:
                print(f"{job.name}: {obstacle}", flush=True)
                outcomes[job.name] = JobOutcome("refused", obstacle)
            elif status is RunStatus.FINISHED:
                outcomes[job.name] = JobOutcome("finished")
            elif job.name not in {other.name for other in to_run}:
                to_run.append(job)
        if done := sum(outcome.status == "finished" for outcome in outcomes.values()):
            print(f"{done} of {counted(len(jobs), 'job')} {'is' if done == 1 else 'are'} finished already", flush=True)
        self.record.plan(jobs, at_once)
        self.record.write(self.directory)
        if to_run:
            if at_once is None:
                self.count.expect(len(to_run))
            returned = self._launch(to_run)
            for job, result in zip(to_run, returned, strict=True):
                value = result.return_value
                assert isinstance(value, JobOutcome)
                outcomes[job.name] = value
        for name, outcome in outcomes.items():
            self.record.done[name] = outcome
        self.record.write(self.directory)
        return [outcomes[job.name] for job in jobs]

    def give_up_if_empty(self, outcomes: Sequence[JobOutcome]) -> None:
        """Leave nothing behind where every job was refused and nothing else is in the sweep's directory.

        Raises:
            UserError: it was so.
        """
        there = {path.name for path in self.directory.iterdir()}
        if there - {FILE, LOGS} or any(outcome.status != "refused" for outcome in outcomes):
            return
        (self.directory / FILE).unlink()
        # The reasons are all that is in them.
        shutil.rmtree(self.directory / LOGS, ignore_errors=True)
        remove_if_empty(self.directory)
        reasons = list(dict.fromkeys(outcome.reason for outcome in outcomes))
        raise UserError(f"no job of the sweep could run, nothing was written ({'; '.join(reasons)})")

    def _launch(self, jobs: Sequence[Job]) -> Sequence[JobReturn]:
        # Imported here: it needs lightning, and so far nothing did.
        from hepad.run.interruption import stop_on_signals

        try:
            # Not only around each job: those in other processes wait for this one to tell them.
            with stop_on_signals(), PHASES.counting(self.count):
                return self.launcher.launch([job.words for job in jobs], initial_job_idx=len(self.record.done))
        except (Interrupted, KeyboardInterrupt):
            print("the sweep is stopped; the same command again goes on with it", flush=True)
            raise
