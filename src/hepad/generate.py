"""`python -m hepad.generate run=DIR n=10000 output=FILE`: entries made up by a run's model, as a sample."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.files import require_file, require_new_file
from hepad.core.late_import import importing
from hepad.core.names import python_command
from hepad.rundir.config_file import require_run


def job(cfg: DictConfig) -> None:
    """Generate one file."""
    if missing := [name for name in ("run", "output") if cfg[name] is None]:
        raise UserError(f"generate needs run=DIR output=FILE; {', '.join(missing)} is missing")
    run, output = Path(cfg.run).expanduser(), Path(cfg.output).expanduser()
    require_run(run)
    require_new_file(output, "output")
    given: Any = OmegaConf.to_container(cfg.context) if isinstance(cfg.context, DictConfig) else cfg.context
    # Imported here, so that --help does not wait for torch.
    with importing():
        from hepad.run.generating import generate_file

    context = require_file(given, "context") if isinstance(given, str) else given
    n = generate_file(run, output, cfg.n, cfg.seed, context, cfg.device)
    print(f"{n} entries written to {output}; beside the run's own samples:")
    words = shlex.join([f"run={run}", f"data.samples.generated={output}"])
    print(f"  {python_command()} -m hepad.evaluate {words}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "generate", argv)


if __name__ == "__main__":
    main()
