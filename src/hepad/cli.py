"""What all commands share: Hydra's command line, one line per user error, exit codes 0, 1 and 2."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hepad.config import config_dir
from hepad.config_errors import explain_config_error
from hepad.errors import UserError

EXIT_FAILED = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


def run_command(job: Callable[[DictConfig], Any], config_name: str, argv: Sequence[str] | None = None) -> None:
    """Compose `config_name` with the command line and call `job` with the result, in Hydra's way.

    Exits with code 2 and one line on stderr when the input was wrong (`UserError`, or anything Hydra refuses),
    with code 1 and a traceback when the job failed, with 130 on Ctrl-C.
    """
    sys.argv[1:] = [_open(word) for word in (sys.argv[1:] if argv is None else argv)]
    started = False

    def started_job(cfg: DictConfig) -> Any:
        nonlocal started
        started = True
        return job(cfg)

    # Hydra prints a traceback of its own and exits with 1 unless told to raise.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    command = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=config_name)(started_job)
    try:
        command()
    except UserError as error:
        _exit_with_line(str(error))
    except (HydraException, OmegaConfBaseException) as error:
        if started:
            _exit_with_traceback()
        _exit_with_line(explain_config_error(error, config_name, sys.argv[1:]))
    except OSError as error:
        if started:
            _exit_with_traceback()
        # Until the job starts, the only thing written is the run's directory.
        _exit_with_line(
            f"cannot create the run directory {error.filename}: {error.strerror}; "
            "choose a writable one with hydra.run.dir=DIR"
        )
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except Exception:
        _exit_with_traceback()


def _open(word: str) -> str:
    """Let the user name samples of their own: Hydra would want `++` before a key that no config declares."""
    return f"++{word}" if re.match(r"data\.samples(\.[^=]+)?=", word) else word


def _exit_with_line(message: str) -> NoReturn:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(EXIT_USER_ERROR)


def _exit_with_traceback() -> NoReturn:
    traceback.print_exc()
    sys.exit(EXIT_FAILED)
