"""`python -m hepad.convert`: files of any public format to hepad's HDF5."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.files import require_file, require_new_file
from hepad.core.names import counted, python_command

_INSTEAD_OF_FORMAT = "auto"


def job(cfg: DictConfig) -> None:
    """Convert files of one format."""
    if cfg.input is None or cfg.output is None:
        raise UserError("convert needs both files: input=FILE.root output=FILE.h5")
    from hepad.core.inputs import input_files

    given = cfg.input if isinstance(cfg.input, str) else list(cfg.input)
    sources, target = input_files(given, "input"), Path(cfg.output)
    require_new_file(target, "output")
    for key in ("lumi_mask", "labels"):
        if cfg[key] is not None:
            require_file(cfg[key], key)
    from hepad.cluster import read_cluster

    cluster = read_cluster(cfg.cluster, cfg.workers, OmegaConf.to_object(cfg.jobs))
    from hepad.formats import Request, convert_files

    request = Request(
        format=None if cfg.format == _INSTEAD_OF_FORMAT else cfg.format,
        sample=cfg.sample or target.stem,
        limit=cfg.limit,
        select=cfg.select,
        lumi_mask=cfg.lumi_mask,
        on_missing=cfg.on_missing,
        slots=cfg.slots,
        high_level=tuple(cfg.high_level or ()),
        label=None if cfg.label is None else str(cfg.label),
        labels=cfg.labels,
        weight=cfg.weight,
        tree=cfg.tree,
        chunk=cfg.chunk,
        workers=cfg.workers,
    )
    found = convert_files(sources, target, request, quiet=False, cluster=cluster)
    what = "events" if found.of_events else "entries"
    print(f"{found.entries} {what} written to {target} ({found.title})")
    if found.found_parts:
        print(f"{counted(found.found_parts, 'part')} of an earlier conversion went on from")
    for said, number in found.counts.items():
        print(f"{number} {said}")
    if found.lacking:
        filled = "are left out" if isinstance(cfg.on_missing, str) else f"are {cfg.on_missing:g} everywhere"
        print(
            f"note: {sources[0]} lacks {', '.join(found.lacking)}; these columns {filled}. A run on this file uses "
            "those it has; beside samples that have more, make it the background or set data.features"
        )
    if found.use:
        name = cfg.sample or target.stem
        print(
            f"train on it: {python_command()} -m hepad.train {found.use} data.bundled=false data.background={name} "
            f"data.samples.{name}={target}"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "convert", argv)


if __name__ == "__main__":
    main()
