"""`python -m hepad.serve run=DIR`: a run behind HTTP, batches of entries in, scores out."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.core.byte_sizes import parse_bytes
from hepad.core.errors import UserError
from hepad.core.late_import import importing
from hepad.rundir.config_file import require_run
from hepad.serving.settings import Limits, check_address, listening_socket, read_token, require_packages


def job(cfg: DictConfig) -> None:
    """Serve one run until Ctrl-C or SIGTERM."""
    if cfg.run is None:
        raise UserError("serve needs run=DIR; run is missing")
    require_packages()
    run = Path(cfg.run).expanduser()
    require_run(run)
    token = read_token()
    check_address(cfg.host, token, cfg.without_token)
    max_bytes = parse_bytes(cfg.max_size)
    assert max_bytes is not None
    limits = Limits(max_bytes, cfg.max_rows, cfg.max_requests, cfg.timeout)
    with listening_socket(cfg.host, cfg.port) as listening:
        # Imported here, so that --help and refusals do not wait for torch.
        with importing():
            from hepad.serving.running import serve

        serve(run, listening, limits, token, cfg.p_values, cfg.device)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "serve", argv)


if __name__ == "__main__":
    main()
