"""From the words of a command to the runs of a sweep and its summary."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from hepad.config.explanations import check_values
from hepad.core.errors import UserError
from hepad.core.names import check_name, is_name
from hepad.pipeline.grid import run_grid
from hepad.pipeline.jobs import sweep_name
from hepad.pipeline.session import Session
from hepad.pipeline.sweep_record import read_sweep

_OWN_KEYS = ("sweep.name", "sweep.job", "sweep.trial")


def sweep(context: HydraContext, task: TaskFunction, master: DictConfig, words: Sequence[str]) -> None:
    """Run the jobs of the sweep that `words` describe, those that are not finished, and write its summary.

    Args:
        context: Hydra's, with which configs are composed.
        task: what runs a job.
        master: the config of the command.
        words: the overrides, those that are swept among them.

    Raises:
        UserError: the sweep cannot be made; nothing was written.
        JobsFailed: some of the jobs did not finish.
    """
    overrides = _unique(OverridesParser.create(config_loader=context.config_loader).parse_overrides(list(words)))
    swept = [override for override in overrides if override.is_sweep_override()]
    constant = [_word(override) for override in overrides if not override.is_sweep_override()]
    constant = [word for word in constant if word.split("=", 1)[0] not in _OWN_KEYS]
    if illegal := [o.key_or_group for o in swept if o.key_or_group.startswith("sweep.") or o.key_or_group == "sweep"]:
        raise UserError(f"{illegal[0]} cannot be swept")
    check_values(str(master.hydra.job.config_name), constant)
    searching = "n_trials" in master.sweep
    _name_sweep(master, words, [o.key_or_group for o in swept] or (["optuna"] if searching else []))
    launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=master)
    record = read_sweep(Path(str(master.hydra.sweep.dir)), str(master.sweep.name))
    session = Session(context.config_loader, master, launcher, constant, record)
    if searching:
        from hepad.pipeline.hyperparameter_search import run_search

        run_search(session, swept)
    else:
        run_grid(session, swept)


def _name_sweep(master: DictConfig, words: Sequence[str], swept: Sequence[str]) -> None:
    """Set `sweep.name`: the user's, else the name of a directory the user chose, else one made from the words."""
    given = master.sweep.name
    chosen = [w for w in master.hydra.overrides.hydra if str(w).lstrip("+").startswith("hydra.sweep.dir=")]
    if given is not None:
        check_name(f"sweep.name={given}", str(given))
    own = Path(str(master.hydra.sweep.dir)).name if chosen else ""
    name = str(given) if given is not None else own if is_name(own) else sweep_name(swept, words)
    with read_write(master), open_dict(master):
        master.sweep.name = name


def _unique(overrides: Sequence[Override]) -> list[Override]:
    """The last override of each key, as Hydra has it."""
    return list({override.get_key_element(): override for override in overrides}.values())


def _word(override: Override) -> str:
    return str(override.input_line)
