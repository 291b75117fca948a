"""`python -m hepad.fetch NAME output=DIR`: public data sets, and the command that uses them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.cli.words import gather_bare
from hepad.core.errors import UserError
from hepad.core.names import counted, python_command
from hepad.core.progress import progress

_MEGABYTE = 1_000_000


def job(cfg: DictConfig) -> None:
    """List sets or files, or download them."""
    from hepad.formats.public_sets import PUBLIC_SETS, command_for, record_of

    if not cfg.names:
        print(f"usage: {python_command()} -m hepad.fetch NAME output=DIR\n")
        for name, found in PUBLIC_SETS.items():
            print(f"  {name:15} {found.title} (Zenodo {found.record})")
        return
    from hepad.formats.downloading import chosen_files, fetch_file, missing_bytes, record_files

    patterns = None if cfg.files is None else list(cfg.files)
    wanted = [(name, record_of(name)) for name in cfg.names]
    directory = None if cfg.output is None else Path(cfg.output).expanduser()
    if directory is not None and directory.exists() and not directory.is_dir():
        raise UserError(f"output: {directory} is no directory")
    files = [file for name, record in wanted for file in chosen_files(record_files(record, cfg.server), patterns, name)]
    total = sum(file.size for file in files)
    if directory is None:
        for file in files:
            print(f"  {file.size / _MEGABYTE:12,.1f} MB  {file.name}  {file.checksum}")
        print(f"{counted(len(files), 'file')}, {total / _MEGABYTE:,.1f} MB; output=DIR downloads them, files=[…] some")
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"output: cannot make {directory}: {error.strerror}") from error
    missing = missing_bytes(files, directory)
    done = _Megabytes((total - missing) // _MEGABYTE)
    with progress("downloading", -(-total // _MEGABYTE), done.whole, "MB") as advance:
        paths = [fetch_file(file, directory, lambda n: advance(done.more(n))) for file in files]
    print(f"{counted(len(paths), 'file')} in {directory}, checksums as of Zenodo")
    for path in paths:
        if command := command_for(path):
            print(f"use it: {command}")


class _Megabytes:
    """A count of bytes as whole megabytes."""

    def __init__(self, whole: int) -> None:
        self.whole = whole
        self._bytes = whole * _MEGABYTE

    def more(self, n_bytes: int) -> int:
        """Return how many megabytes more are whole."""
        before = self._bytes // _MEGABYTE
        self._bytes += n_bytes
        return self._bytes // _MEGABYTE - before


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "fetch", argv, gather=partial(gather_bare, key="names"))


if __name__ == "__main__":
    main()
