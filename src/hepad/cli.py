"""What all commands share: Hydra's command line, one line per user error, exit codes 0, 1 and 2."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig

from hepad.config import config_dir
from hepad.config_errors import check_values, explain_config_error
from hepad.errors import UserError

EXIT_FAILED = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


def run_command(job: Callable[[DictConfig], None], config_name: str, argv: Sequence[str] | None = None) -> None:
    """Compose `config_name` with the command line and call `job` with the result, in Hydra's way.

    Exits with code 2 and one line on stderr when the input was wrong (`UserError`, or anything Hydra refuses),
    with code 1 and a traceback when the job failed, with 130 on Ctrl-C.
    """
    words = [_open(word) for word in (sys.argv[1:] if argv is None else argv)]
    # argparse refuses a flag between overrides; -m may stand anywhere.
    sys.argv[1:] = sorted(words, key=lambda word: word not in ("-m", "--multirun"))
    # Read when torch is imported, later: threads that spin while they wait make these small networks ten times slower
    # as soon as anything else runs on the machine (docs/performance.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Hydra prints a traceback of its own and exits with 1 unless told to raise.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    failures: list[Exception] = []

    def guarded_job(cfg: DictConfig) -> None:
        # An exception that reaches Hydra would be printed by it, and would end a sweep.
        try:
            check_values(config_name, list(HydraConfig.get().overrides.task))
            job(cfg)
        except UserError as error:
            failures.append(error)
            remove_if_empty(Path(HydraConfig.get().runtime.output_dir))
            _print_line(str(error))
        except Exception as error:
            failures.append(error)
            traceback.print_exc()

    command = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=config_name)(guarded_job)
    try:
        command()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except HydraException as error:
        _exit_with_line(explain_config_error(error, config_name, sys.argv[1:]))
    except OSError as error:
        # Hydra itself writes nothing but the run's directory.
        _exit_with_line(
            f"cannot create the run directory {error.filename}: {error.strerror}; "
            "choose a writable one with hydra.run.dir=DIR"
        )
    except Exception as error:
        _exit_with_line(explain_config_error(error, config_name, sys.argv[1:]))
    if failures:
        sys.exit(EXIT_USER_ERROR if all(isinstance(error, UserError) for error in failures) else EXIT_FAILED)


def remove_if_empty(run_dir: Path) -> None:
    """Remove the directories that Hydra made for a run that never began, only while they are empty."""
    if run_dir == Path.cwd():
        return
    for directory in (run_dir, *run_dir.parents[:2]):
        try:
            os.rmdir(directory)
        except OSError:
            return


def _open(word: str) -> str:
    """Let the user name samples of their own: Hydra would want `++` before a key that no config declares."""
    return f"++{word}" if re.match(r"data\.samples(\.[^=]+)?=", word) else word


def _print_line(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)


def _exit_with_line(message: str) -> NoReturn:
    _print_line(message)
    sys.exit(EXIT_USER_ERROR)
