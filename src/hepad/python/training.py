"""Training in one call: the config, the checks and the run of the command line."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hepad.core.errors import Interrupted, UserError
from hepad.core.files import remove_if_empty
from hepad.core.late_import import import_late, importing
from hepad.python.composing import as_command, checked_config, compose_training, run_directory
from hepad.python.words import Settings, read_settings

if TYPE_CHECKING:
    from hepad.run import Run

_LOSS: Final = "model.loss"
_NETWORK: Final = "model.network"
_VARIABLES: Final = ("PL_", "TORCHINDUCTOR_DETERMINISTIC", "CUBLAS_WORKSPACE_CONFIG")
_REFUSED: Final = {
    "resume": "hepad.train begins a run; to go on with one: hepad train resume=DIR",
    "data.folds": "folds are as many runs; to train all of them: hepad train data.folds=K; one of them: data.fold too",
}


def train(
    model: str | None = None,
    /,
    *words: str,
    data: Any = None,
    loss: Any = None,
    network: Any = None,
    features: Sequence[str] | None = None,
    run_dir: str | Path | None = None,
    progress: bool = False,
    **overrides: Any,
) -> "Run":
    """Train a model as `hepad train` does with the same words, and return the finished run.

    Numbers, files and figures of the run are those of the command line; only its loggers are off unless `logger=` names
    some, and nothing is printed unless `progress` says so. The state of the random generators is left as it was.

    Args:
        model: name of a model (`dense_ae`, `vae`, …); None for the usual one. A first `KEY=VALUE` is a word too.
        words: `KEY=VALUE`, as on the command line.
        data: name of a data config (`jets`); a file, a glob or a list of files; entries in memory, whatever
            `hepad.data.given_array` takes; or a mapping from samples to files or entries, the first of which is trained
            on. Without a word `data=…`, vectors are read as a table, sets as events or, where the model takes vectors
            alone, as the single objects in them, images as images.
        loss: name of a loss, or an object of a class of `hepad.losses` or of your own.
        network: name of a network, or a module with `encode` and `decode` (`hepad.models.own_network`).
        features: names of the columns of arrays that do not name them.
        run_dir: the run's directory; None for a new one in `outputs`, as on the command line.
        progress: print what the command prints.
        overrides: any other key: `trainer__max_epochs=3`, `trainer={"max_epochs": 3}` or `**{"trainer.max_epochs": 3}`.

    Raises:
        UserError: wrong input, with the line that the command prints.
        JobError: the disk is full.
        KeyboardInterrupt: Ctrl-C, or the stop button of a notebook; the run can be resumed.

    >>> import numpy as np
    >>> import hepad
    >>> from tempfile import TemporaryDirectory
    >>> rng = np.random.default_rng(0)
    >>> data = {"qcd": rng.normal(size=(300, 4)), "signal": rng.normal(3, 1, size=(60, 4))}
    >>> quick = {"trainer": {"max_epochs": 1}, "evaluation": {"plots": False}}
    >>> with TemporaryDirectory() as place:
    ...     run = hepad.train("dense_ae", data=data, run_dir=f"{place}/run", **quick)
    ...     run.metrics["test/auc/signal_vs_qcd"] > 0.9, run.score(data["signal"]).shape
    (True, (60,))
    """
    parts = {"loss" if isinstance(loss, str) else _LOSS: loss, _NETWORK: network}
    overrides |= {key: value for key, value in parts.items() if value is not None}
    first = () if model is None else (model if "=" in str(model) else f"model={_name(model)}",)
    settings = read_settings([*first, *words], overrides)
    if not settings.names("logger"):
        settings.words.append("logger=none")
    return run_training(settings, data, features, run_dir, progress)


def run_training(
    settings: Settings,
    data: Any,
    features: Sequence[str] | None = None,
    run_dir: str | Path | None = None,
    progress: bool = False,
) -> "Run":
    """Train what settings and data say; see `train`."""
    for key, said in _REFUSED.items():
        if settings.names(key) and not (key == "data.folds" and settings.names("data.fold")):
            raise UserError(f"{key}: {said}")
    # What is wrong with words alone is told before torch is imported.
    cfg = compose_training(settings.words) if data is None else None
    _prepare_torch()
    with importing():
        from hepad.pipeline.training_commands import begin
        from hepad.python.given_data import add_data
        from hepad.python.given_objects import object_configs
        from hepad.run.console import print_result
        from hepad.run.loading import load_run
    if cfg is None:
        add_data(settings, data, structures_of(settings), features)
        cfg = compose_training(settings.words)
    objects = object_configs(settings.objects)
    with as_command(cfg):
        directory = run_directory(cfg, run_dir)
        try:
            config = checked_config(cfg, objects, directory)
            with in_a_session(quiet=not progress):
                result = begin(config, directory)
                if progress:
                    print_result(result)
        finally:
            remove_if_empty(directory)
    return load_run(directory)


def _name(model: Any) -> str:
    if not isinstance(model, str):
        raise UserError(
            f"model: the name of a model is needed, not {type(model).__name__}; one of your own is made an option as "
            "CONTRIBUTING.md says (hepad new model NAME)"
        )
    return model


def structures_of(settings: Settings) -> frozenset[str] | None:
    """Return the structures of entries that the chosen model takes; None where none of hepad's own is chosen."""
    from hepad.config.registry import get_class
    from hepad.rundir.record import options_of

    name = settings.value("model")
    target = next((target for target, option in options_of("model").items() if option == name), None)
    return None if target is None else get_class(target).structures


def _prepare_torch() -> None:
    """Let torch, where it was not imported yet, be imported as commands do (`hepad.cli.command`)."""
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import_late()


@contextmanager
def in_a_session(quiet: bool) -> Iterator[None]:
    """Train in this block as a part of a longer session: put back what a training sets for the whole process.

    These are the random generators, the strictness about determinism, and variables of the environment. Ctrl-C raises
    `KeyboardInterrupt`.

    Args:
        quiet: print nothing on standard output.
    """
    import torch

    from hepad.callbacks.resume_point import random_state, set_random_state

    before, mode, environment = random_state(), torch.get_deterministic_debug_mode(), dict(os.environ)
    try:
        with contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext():
            yield
    except Interrupted as stop:
        if stop.number == signal.SIGINT:
            raise KeyboardInterrupt(str(stop)) from None
        raise
    finally:
        set_random_state(before)
        torch.set_deterministic_debug_mode(mode)
        for name in os.environ.keys() - environment.keys():
            if name.startswith(_VARIABLES):
                del os.environ[name]
