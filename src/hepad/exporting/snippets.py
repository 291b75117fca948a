"""Programs that use an exported file, without hepad."""

from collections.abc import Mapping
from string import Template
from typing import Any, Final

_ONNX: Final = Template('''"""Scores by $file: needs numpy and onnxruntime, nothing else.

$inputs
"""

from pathlib import Path

import numpy as np
import onnxruntime

SESSION = onnxruntime.InferenceSession(str(Path(__file__).with_name("$file")), providers=["CPUExecutionProvider"])
OUTPUTS = [output.name for output in SESSION.get_outputs()]


def score($arguments):
    """Return the outputs by name: score, higher is more anomalous, and accepted_NAME for each threshold."""
    given = {$given}
    return dict(zip(OUTPUTS, SESSION.run(None, given)))


if __name__ == "__main__":
    print(score($example))
''')

_TORCH: Final = Template('''"""Scores by $file: needs numpy and torch, nothing else.

$inputs
"""

from pathlib import Path

import numpy as np
import torch

MODULE = torch.export.load(str(Path(__file__).with_name("$file"))).module()
OUTPUTS = $outputs


def score($arguments):
    """Return the outputs by name: score, higher is more anomalous, and accepted_NAME for each threshold."""
    given = {$given}
    with torch.inference_mode():
        found = MODULE(*(torch.from_numpy(array) for array in given.values()))
    return {name: values.numpy() for name, values in zip(OUTPUTS, found)}


if __name__ == "__main__":
    print(score($example))
''')


def python_snippet(file: str, facts: Mapping[str, Any]) -> str:
    """Return a Python program that scores arrays by an exported file beside it.

    Args:
        file: the file's name.
        facts: `describe` of the export.
    """
    inputs = facts["inputs"]
    template = _ONNX if facts["format"] == "onnx" else _TORCH
    return template.substitute(
        file=file,
        inputs="\n".join(_line(each) for each in inputs),
        outputs=[each["name"] for each in facts["outputs"]],
        arguments=", ".join(each["name"] for each in inputs),
        given=", ".join(
            f'"{each["name"]}": np.ascontiguousarray({each["name"]}, dtype="{each["type"]}")' for each in inputs
        ),
        example=", ".join(f"np.ones({(3, *each['shape'][1:])})" for each in inputs),
    )


def _line(given: Mapping[str, Any]) -> str:
    shape = ", ".join(["N", *map(str, given["shape"][1:])])
    features = f": {', '.join(given['features'])}" if "features" in given else ""
    return f"{given['name']} ({shape}) {given['type']}, {given['units']}{features}"
