"""Running a command: Hydra's command line, checked output, one line per user error, exit codes 0, 1 and 2."""

import atexit
import gc
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from hepad import __version__
from hepad.checks.before_torch import check_command, resolve_paths, working_directory
from hepad.cli.help import command_help, completion_words
from hepad.cli.words import MULTIRUN, CommandLine, quote_values, read_command_line
from hepad.config import config_dir, search_path_word, use_searchpath
from hepad.config.explanations import check_chosen, check_chosen_words, explain_config_error
from hepad.config.keys import COMMAND_KEYS
from hepad.core.errors import Interrupted, JobError, JobOutcome, JobsFailed, UserError, end_with_parent, one_line
from hepad.core.files import remove_if_empty
from hepad.core.late_import import import_late
from hepad.core.names import check_paths
from hepad.core.phases import PHASES
from hepad.rundir.pretrained import with_pretrained

EXIT_FAILED = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
_RUNS: Final = ("train", "evaluate")
_DOING: Final = {
    "compare": "comparing",
    "convert": "converting",
    "evaluate": "evaluating",
    "export": "exporting",
    "fetch": "fetching",
    "generate": "generating",
    "generator_card": "looking at the generator",
    "inspect": "looking at files",
    "score": "scoring",
    "search": "searching",
    "simulate": "simulating",
    "threshold": "choosing thresholds",
    "top": "finding the top entries",
}
"""Phase that a terminal shows for a command until its job names one itself."""
_RUN_KEYS: Final = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir", "hydra.mode")


def run_command(
    job: Callable[[DictConfig], None],
    config_name: str,
    argv: Sequence[str] | None = None,
    prepare: Callable[[Sequence[str]], Sequence[str]] = tuple,
    gather: Callable[[Sequence[str]], Sequence[str]] = tuple,
) -> None:
    """Compose `config_name` with the command line and call `job` with the result, in Hydra's way.

    Exits with code 2 and one line on stderr when the input was wrong (`UserError`, or anything Hydra refuses),
    with code 1 and a traceback when the job failed (one line for a `JobError`), with 130 on Ctrl-C and 143 on SIGTERM.

    Args:
        job: what to do with the composed config.
        config_name: the config to compose.
        argv: the words of the command line; None for those of this process.
        prepare: what the command itself makes of the words before Hydra sees them.
        gather: what the command makes of words that are no `KEY=VALUE`, as they were typed.
    """
    try:
        line = read_command_line(sys.argv[1:] if argv is None else argv)
        use_searchpath(line.searchpath)
        check_chosen_words(line.words)
        if line.has("--version", "-V"):
            print(f"hepad {__version__}")
            return
        if line.has("--help", "-h"):
            print(command_help(config_name, line))
            return
        if line.has("--shell-completion", "-sc"):
            query = completion_words(line.words, tuple(COMMAND_KEYS))
            if query is None:
                return
            words = query
        else:
            words = _prepared(line, config_name, prepare, gather)
    except UserError as error:
        _exit_with_line(str(error))
    except BrokenPipeError:
        _exit_unread()
    except Exception as error:
        _exit_with_line(explain_config_error(error, config_name, sys.argv[1:] if argv is None else list(argv)))
    sys.argv[1:] = words
    # Read when torch is imported, later: threads that spin while they wait make these small networks ten times slower
    # as soon as anything else runs on the machine (docs/performance.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Hydra prints a traceback of its own and exits with 1 unless told to raise.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    import_late()
    _end_quickly()
    end_with_parent()
    guarded_job = GuardedJob(job, config_name)
    command = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=config_name)(guarded_job)
    try:
        # From here on something moves in a terminal, whatever is imported, composed or checked.
        with PHASES.shown("starting"):
            command()
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(stop.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except JobsFailed as error:
        sys.exit(error.exit_code)
    except UserError as error:
        _exit_with_line(str(error))
    except HydraException as error:
        _exit_with_line(explain_config_error(error, config_name, sys.argv[1:]))
    except BrokenPipeError:
        _exit_unread()
    except OSError as error:
        # Hydra itself writes nothing but the run's directory.
        _exit_with_line(
            f"cannot create the run directory {error.filename}: {error.strerror}; "
            "choose a writable one with hydra.run.dir=DIR"
        )
    except Exception as error:
        _exit_with_line(explain_config_error(error, config_name, sys.argv[1:]))
    if code := exit_code(guarded_job.outcomes):
        sys.exit(code)


@cache
def _end_quickly() -> None:
    """Let this process end without looking for garbage among all that torch has made: half a second, or three."""
    atexit.register(gc.freeze)


class GuardedJob:
    """A job that never raises: an exception that reaches Hydra would be printed by it, and would end a sweep.

    Launchers send it to other processes, so it holds nothing that cannot go there.

    Args:
        job: what to do with a config.
        config_name: the command's config, to check the values of the command line against.
    """

    def __init__(self, job: Callable[[DictConfig], None], config_name: str) -> None:
        self.job = job
        self.config_name = config_name
        self.outcomes: list[JobOutcome] = []

    def __call__(self, cfg: DictConfig) -> JobOutcome:
        """Do the job; print and return how it ended."""
        try:
            base = working_directory()
            if base != Path.cwd():
                resolve_paths(cfg, self.config_name, base)
            # A model may choose its data and loss, without a word of the command line.
            check_chosen(HydraConfig.get().runtime.choices)
            check_command(cfg, self.config_name, list(HydraConfig.get().overrides.task))
            # Whatever the job makes of it is another config.
            OmegaConf.set_readonly(cfg, True)
            PHASES.begin(_DOING.get(self.config_name, "starting"))
            with checked_output():
                self.job(cfg)
            outcome = JobOutcome("finished")
        except UserError as error:
            outcome = JobOutcome("refused", " ".join(str(error).split()))
            os.chdir(working_directory())
            remove_if_empty(Path(HydraConfig.get().runtime.output_dir))
            _print_line(outcome.reason)
        except JobError as error:
            outcome = JobOutcome("failed", " ".join(str(error).split()))
            _print_line(outcome.reason)
        except Exception as error:
            outcome = JobOutcome("failed", one_line(error))
            traceback.print_exc()
        self.outcomes.append(outcome)
        return outcome


def _prepared(
    line: CommandLine,
    config_name: str,
    prepare: Callable[[Sequence[str]], Sequence[str]],
    gather: Callable[[Sequence[str]], Sequence[str]],
) -> list[str]:
    """Return the words of a command line as Hydra is to read them, flags first: argparse refuses them in between."""
    _refuse_run_directories(line, config_name)
    words = gather(with_pretrained(line.words))
    check_paths(words)
    _refuse_wandb_sweeps(words)
    multirun = [flag for flag in line.flags if flag in MULTIRUN]
    # Before, for what a command itself reads of its words; after, for what it makes of them.
    read = quote_values(words, config_name, line.multirun)
    made = [word for word in prepare([*multirun, *read]) if word not in MULTIRUN]
    return [*line.flags, *search_path_word(line.searchpath), *quote_values(made, config_name, line.multirun)]


def exit_code(outcomes: Iterable[JobOutcome]) -> int:
    """0 where every job finished, 1 where one failed, 2 where all that did not finish were refused."""
    statuses = {outcome.status for outcome in outcomes}
    if "failed" in statuses:
        return EXIT_FAILED
    return EXIT_USER_ERROR if "refused" in statuses else 0


def _refuse_run_directories(line: CommandLine, config_name: str) -> None:
    """Raise `UserError` for a sweep or a run's directory where a command makes none: Hydra would leave one behind."""
    if config_name in _RUNS:
        return
    given = [*(flag for flag in line.flags if flag in MULTIRUN), *line.words]
    for word in given:
        if word in MULTIRUN or word.lstrip("+").partition("=")[0] in _RUN_KEYS:
            instead = (
                "; injection.fractions=[0,0.02] and injection.seeds=3 make several" if config_name == "search" else ""
            )
            raise UserError(f"{word}: {config_name} makes no run and has no directory of one; leave it out{instead}")


def _refuse_wandb_sweeps(words: Sequence[str]) -> None:
    """Raise `UserError` for a file of W&B's own sweeps: they stand beside the options of `sweep`, but are none."""
    for word in words:
        if re.fullmatch(r"sweep=wandb_\w+", word):
            path = config_dir() / f"{word.replace('=', '/')}.yaml"
            raise UserError(f"{word} is a file for W&B's own sweeps and not an option: wandb sweep {path}")


def _print_line(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)


def _exit_unread() -> NoReturn:
    """Exit where nobody reads on, as with `--help | head`."""
    drop_output()
    sys.exit(EXIT_FAILED)


def _exit_with_line(message: str) -> NoReturn:
    _print_line(message)
    sys.exit(EXIT_USER_ERROR)


@contextmanager
def checked_output() -> Iterator[None]:
    """Raise `JobError` where standard output does not take what is printed in this block, and drop what waits for it.

    Raises:
        JobError: the output cannot be written.
    """
    checked: Any = _Checked(sys.stdout)
    try:
        with redirect_stdout(checked):
            yield
            checked.flush()
    except OutputLost:
        drop_output()
        raise


class OutputLost(JobError):
    """Standard output cannot be written."""


def drop_output() -> None:
    """Send standard output nowhere: a flush at exit would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Checked:
    """A stream of text whose failed writes are `OutputLost`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        return self._checked(self._stream.write, text)

    def flush(self) -> None:
        self._checked(self._stream.flush)

    def _checked(self, do: Any, *words: Any) -> Any:
        try:
            return do(*words)
        except OSError as error:
            raise OutputLost(f"cannot write the output: {error.strerror}") from error
