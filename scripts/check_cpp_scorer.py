"""The C++ program beside an exported ONNX file, compiled and run: its scores beside those of Python.

`python -m scripts.check_cpp_scorer scorer.onnx --include DIR [--library FILE]` needs g++ and the headers of ONNX
Runtime (`onnxruntime_cxx_api.h`), which its Python package lacks; the library is by default that of the package.
"""

import argparse
import json
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepad.exporting.runtimes import onnx_scoring

TOLERANCE = 1e-5
_ENTRIES = 1000


def packaged_library() -> Path:
    """Return the shared library inside the Python package of ONNX Runtime."""
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    return next((Path(spec.origin).parent / "capi").glob("libonnxruntime.so.*"))


def made_up(inputs: list[dict[str, object]], n: int) -> list[NDArray[np.float32]]:
    """Return entries that are no physics: numbers of every size, masks at random."""
    rng, found = np.random.default_rng(0), []
    for each in inputs:
        shape = (n, *each["shape"][1:])  # type: ignore[index]
        values = rng.integers(0, 2, shape) if each["type"] == "bool" else rng.exponential(20, shape)
        found.append(values.astype("float32"))
    return found


def run_program(model: Path, include: Path, library: Path, arrays: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Compile the program of a file and return what it prints, `(N, outputs)`."""
    source = model.with_name(f"{model.stem}_onnx.cpp")
    rows = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
    text = "\n".join(" ".join(f"{value:.9g}" for value in row) for row in rows)
    with tempfile.TemporaryDirectory() as work:
        program = str(Path(work) / "scorer")
        # The name by which the program asks for it; pip's package has it by that of its version alone.
        named = Path(work) / "libonnxruntime.so.1"
        named.symlink_to(library.resolve())
        link = [str(named), f"-Wl,-rpath,{work}"]
        subprocess.run(["g++", "-O1", "-std=c++17", "-I", str(include), str(source), *link, "-o", program], check=True)
        said = subprocess.run([program, str(model)], input=text, capture_output=True, text=True, check=True).stdout
    return np.array([[float(word) for word in line.split()] for line in said.splitlines()])


def main() -> None:
    """Print the largest relative difference; exit with 1 where it is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--include", type=Path, required=True)
    parser.add_argument("--library", type=Path)
    given = parser.parse_args()
    facts = json.loads(given.model.with_name(f"{given.model.stem}_onnx.json").read_text(encoding="utf-8"))
    arrays = made_up(facts["inputs"], _ENTRIES)
    typed = [a.astype(bool) if i["type"] == "bool" else a for a, i in zip(arrays, facts["inputs"], strict=True)]
    expected = onnx_scoring(given.model)(typed)
    found = run_program(given.model, given.include, given.library or packaged_library(), arrays)
    worst = float((np.abs(found[:, 0] - expected["score"]) / np.abs(expected["score"])).max())
    bits = [expected[each["name"]] for each in facts["outputs"][1:]]
    wrong = sum(int((found[:, 1 + k] != bit).sum()) for k, bit in enumerate(bits))
    print(f"{len(found)} entries: C++ and Python differ by at most {worst:.1e} of a score, {wrong} bits differ")
    raise SystemExit(int(worst > TOLERANCE or wrong > 0))


if __name__ == "__main__":
    main()
