"""Request of an export, and the packages that must be there for it; looked at before torch is imported."""

import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import require_new_file

SUFFIXES: Final = {"onnx": ".onnx", "torch_export": ".pt2", "hls4ml": "", "conifer": ""}
"""Format → suffix of what is written; a directory has none."""

_PACKAGES: Final = {
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "torch_export": (),
    "hls4ml": ("hls4ml",),
    "conifer": ("conifer", "hls4ml"),
}
_EXTRAS: Final = {"onnx": "export", "hls4ml": "hls4ml", "conifer": "conifer"}
_NAMES: Final = {"hls4ml": "scorer_hls4ml", "conifer": "scorer_conifer"}

_PROJECTS: Final = ("hls4ml_config.yml", "trees.json")

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
        width: bits of weights and results (`hls4ml`) or thresholds (`conifer`); None for 16, or those that the run was
            trained with.
        headroom: bits above the largest numbers of the background (`hls4ml`); None for 1.
        input_width: bits of the shifted input (`hls4ml`); None for 16.
        score_width: bits of the score, and of biases (`hls4ml`) or leaves (`conifer`); None for 16.
        simulate: build the C simulation and compare it (`hls4ml`).
        overwrite: replace what is there.
    """

    run: Path
    format: str
    output: Path
    entries: int | None
    tolerance: float
    card: bool
    width: int | None = None
    headroom: int | None = None
    input_width: int | None = None
    score_width: int | None = None
    simulate: bool = True
    overwrite: bool = False


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
        raise UserError(f'format={format_name} needs {", ".join(missing)}: pip install "hepad[{_EXTRAS[format_name]}]"')


def check_compiler(format_name: str, simulate: bool) -> None:
    """Raise `UserError` where a simulation is to be compiled and there is no compiler."""
    if format_name not in _NAMES or not simulate:
        return
    alone = "(or its like), or simulate=false, which writes the project alone"
    if (compiler := shutil.which("g++")) is None:
        raise UserError(
            f"format={format_name} compiles a C simulation, and there is no g++: apt-get install g++ {alone}"
        )
    if format_name == "conifer":
        included = "#include <nlohmann/json.hpp>"
        asked = subprocess.run([compiler, "-E", "-x", "c++", "-"], input=included, capture_output=True, text=True)
        if asked.returncode:
            raise UserError(
                "format=conifer compiles a C simulation, and g++ finds no nlohmann/json.hpp: "
                f"apt-get install nlohmann-json3-dev {alone}"
            )


def output_path(run: Path, format_name: str, output: Path | None, overwrite: bool) -> Path:
    """Return the path to write, in the run's directory where none is given.

    Raises:
        UserError: another suffix than the format's, or something is there already.
    """
    suffix = SUFFIXES[format_name]
    name = _NAMES.get(format_name, f"scorer{suffix}")
    path = run / DIRECTORY / name if output is None else output
    if path.suffix != suffix:
        told = f"ends with {suffix}" if suffix else "is a directory, without a suffix"
        raise UserError(f"output={path}: a file of format={format_name} {told}")
    if output is None:
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists; overwrite=true replaces it, output=FILE writes another one")
        return path
    if overwrite and (path.is_file() if suffix else any((path / file).is_file() for file in _PROJECTS)):
        return path
    return require_new_file(path, "output")
