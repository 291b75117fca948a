"""An exported file at work: scores of arrays by ONNX Runtime, or by a program of torch.export."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Outputs = dict[str, NDArray[Any]]
Scoring = Callable[[Sequence[NDArray[Any]]], Outputs]
"""From the inputs in their order to the outputs by name."""


def onnx_scoring(model: bytes | Path, threads: int = 0) -> Scoring:
    """Return what scores arrays by ONNX Runtime on the CPU.

    Args:
        model: the file, or its bytes.
        threads: how many; 0 for one a core.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Errors alone: its warnings are of a graph that the user has not written.
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    inputs, outputs = ([each.name for each in found] for found in (session.get_inputs(), session.get_outputs()))

    def score(arrays: Sequence[NDArray[Any]]) -> Outputs:
        return dict(zip(outputs, session.run(None, dict(zip(inputs, arrays, strict=True))), strict=True))

    return score


def program_scoring(path: Path, output_names: Sequence[str]) -> Scoring:
    """Return what scores arrays by a program of torch.export, read back from its file."""
    with open(path, "rb") as file:
        module = torch.export.load(file).module()

    def score(arrays: Sequence[NDArray[Any]]) -> Outputs:
        with torch.inference_mode():
            found = module(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
        return {name: values.numpy() for name, values in zip(output_names, found, strict=True)}

    return score
