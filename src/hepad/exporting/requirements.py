"""Request of an export, and the packages that must be there for it; looked at before torch is imported."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import require_new_file

SUFFIXES: Final = {"onnx": ".onnx", "torch_export": ".pt2"}
"""Format → suffix of what is written."""

_PACKAGES: Final = {"onnx": ("onnx", "onnxruntime", "onnxscript"), "torch_export": ()}

DIRECTORY: Final = "export"
"""Of a run, for what is exported without `output`."""


@dataclass(frozen=True)
class ExportRequest:
    """One export that a user asks for.

    Attributes:
        run: the run's directory.
        format: one of `SUFFIXES`.
        output: the file to write.
        entries: how many tested entries to compare, the first of each sample; None for all of them.
        tolerance: the largest relative difference of a score that is accepted.
        card: write the trigger card too.
    """

    run: Path
    format: str
    output: Path
    entries: int | None
    tolerance: float
    card: bool


def beside(output: Path, end: str) -> Path:
    """Return the path of a file that belongs to an exported one, by its name and format.

    >>> from pathlib import Path
    >>> beside(Path("scorer.onnx"), "_card.html").name
    'scorer_onnx_card.html'
    """
    return output.with_name(f"{output.stem}_{output.suffix[1:]}{end}")


def check_packages(format_name: str) -> None:
    """Raise `UserError` where a package is missing that a format needs; nothing is imported.

    >>> check_packages("torch_export")
    """
    missing = [name for name in _PACKAGES[format_name] if find_spec(name) is None]
    if missing:
        raise UserError(f'format={format_name} needs {", ".join(missing)}: pip install "hepad[export]"')


def output_path(run: Path, format_name: str, output: Path | None, overwrite: bool) -> Path:
    """Return the path to write, in the run's directory where none is given.

    Raises:
        UserError: another suffix than the format's, or something is there already.
    """
    suffix = SUFFIXES[format_name]
    path = run / DIRECTORY / f"scorer{suffix}" if output is None else output
    if path.suffix != suffix:
        raise UserError(f"output={path}: a file of format={format_name} ends with {suffix}")
    if output is None:
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists; overwrite=true replaces it, output=FILE writes another one")
        return path
    if overwrite and path.is_file():
        return path
    return require_new_file(path, "output")
