"""Programs of torch.export, and ONNX models made of them."""

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim, ExportedProgram

from hepad.core.errors import UserError, one_line
from hepad.exporting.decompositions import decomposed
from hepad.exporting.native_trees import fill_trees
from hepad.exporting.scorer import Scorer


def traced(scorer: Scorer) -> ExportedProgram:
    """Return the program of a scorer, for any number of entries from one on.

    Raises:
        UserError: the model does something that torch.export does not follow.
    """
    batch = Dim("batch", min=1)
    shapes = tuple({0: batch} for _ in scorer.input_names)
    try:
        with _quiet(), torch.no_grad():
            return torch.export.export(scorer, scorer.example(), dynamic_shapes=(shapes,), strict=False)
    except Exception as error:
        raise UserError(
            f"model {type(scorer.model).__name__} cannot be exported: torch.export does not follow it "
            f"({one_line(error)[:200]}); hepad's own models can be, but for detectors of pyod"
        ) from error


def write_program(program: ExportedProgram, path: Path, facts: Mapping[str, str]) -> None:
    """Write a program as `.pt2`, with facts as extra files of its archive."""
    with _quiet():
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files=dict(facts))
    path.write_bytes(buffer.getvalue())


def as_onnx(scorer: Scorer, program: ExportedProgram) -> Any:
    """Return the ONNX model (a protocol buffer) of a program.

    Raises:
        UserError: an operation that ONNX does not know.
    """
    try:
        with _quiet(), torch.no_grad():
            exported = torch.onnx.export(
                decomposed(program),
                (),
                input_names=list(scorer.input_names),
                output_names=list(scorer.output_names),
                dynamo=True,
                verbose=False,
                optimize=True,
            )
    except Exception as error:
        raise UserError(
            f"model {type(scorer.model).__name__} cannot be written as ONNX ({one_line(error)[:200]}); "
            "format=torch_export takes it"
        ) from error
    assert exported is not None
    model = exported.model_proto
    fill_trees(model, scorer)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' words about their own progress and future off the terminal."""
    names = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "torch.fx")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
