"""`python -m hepad.export run=DIR format=onnx`: a run's scorer as a file, raw entries in, scores out."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.late_import import importing
from hepad.exporting.requirements import ExportRequest, check_compiler, check_packages, output_path
from hepad.rundir.config_file import require_run


def job(cfg: DictConfig) -> None:
    """Write one file, or the project of one."""
    if cfg.run is None:
        raise UserError("export needs run=DIR, such as run=outputs/dense format=onnx; run is missing")
    run = Path(cfg.run).expanduser()
    require_run(run)
    check_packages(cfg.format)
    check_compiler(cfg.format, cfg.simulate)
    output = None if cfg.output is None else Path(cfg.output).expanduser()
    path = output_path(run, cfg.format, output, cfg.overwrite)
    # Imported here, so that --help and refusals do not wait for torch.
    own = {key: cfg[key] for key in ("width", "headroom", "input_width", "score_width", "simulate", "overwrite")}
    request = ExportRequest(run, cfg.format, path, cfg.entries, cfg.tolerance, cfg.card, **own)
    if cfg.format == "hls4ml":
        with importing():
            from hepad.firmware.export_firmware import export_firmware

        export_firmware(request)
        return
    if cfg.format == "conifer":
        with importing():
            from hepad.firmware.export_trees import export_trees

        export_trees(request)
        return
    with importing():
        from hepad.exporting.export_run import export_run

    export_run(request)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "export", argv)


if __name__ == "__main__":
    main()
