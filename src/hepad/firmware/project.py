"""A rounded network as a project of hls4ml, and its C simulation."""

import io
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.firmware.fixed_point import FixedPoint, FloatArray
from hepad.firmware.layers import Conv, Dense, Flatten, MaxOverSlots, Shift, SumOfSquares
from hepad.firmware.rounding import RoundedNetwork, formats

NAME: Final = "scorer"
"""Of the function that is synthesised."""

_BACKEND: Final = "Vitis"


def make_project(network: RoundedNetwork, directory: Path) -> Any:
    """Return hls4ml's model of a network, to be written into a directory; every product has a multiplier of its own.

    Args:
        network: with its numbers.
        directory: of the project.
    """
    with _quiet():
        from hls4ml.model import ModelGraph

        layers, precision = _layers(network)
        config = {
            "OutputDir": str(directory),
            "ProjectName": NAME,
            "Backend": _BACKEND,
            "IOType": "io_parallel",
            "Part": "xcvu13p-flga2577-2-e",
            "ClockPeriod": 5,
            "WriterConfig": {"Namespace": None, "WriteWeightsTxt": True, "WriteTar": False, "TBOutputStream": "both"},
            "HLSConfig": {
                "Model": {"Precision": {"default": "auto"}, "ReuseFactor": 1, "Strategy": "Latency"},
                "LayerName": {name: {"Precision": found, "ReuseFactor": 1} for name, found in precision.items()},
            },
        }
        return ModelGraph.from_layer_list(config, layers)


def write_project(project: Any, directory: Path) -> None:
    """Write what is synthesised, without the compiled simulation, whose weights are read by absolute paths."""
    with _quiet():
        project.write()
    for library in (directory / "firmware").glob("*.so"):
        library.unlink()
    settings = directory / "hls4ml_config.yml"
    settings.write_text(settings.read_text().replace(str(directory), "."))


def simulate(project: Any, x: FloatArray) -> FloatArray:
    """Return the scores `(B,)` of entries by the C simulation, which the local g++ compiles.

    Raises:
        OSError: the compiler fails.
    """
    with _quiet():
        try:
            project.compile()
        except Exception as error:
            raise OSError(f"g++ could not build the C simulation: {error}") from error
        found = project.predict(np.ascontiguousarray(x, dtype=np.float64))
    return np.asarray(found, dtype=np.float64).reshape(len(x))


def compiler() -> str | None:
    """Return the path of g++, None where there is none."""
    return shutil.which("g++")


def _layers(network: RoundedNetwork) -> tuple[list[dict[str, Any]], dict[str, dict[str, str]]]:
    """Return hls4ml's description of each layer, and the numbers of each."""
    shape = network.network.input_shape
    layers: list[dict[str, Any]] = [{"name": "entry", "class_name": "InputLayer", "input_shape": list(shape)}]
    precision = {"entry": {"result": str(network.given)}}
    for i, (layer, weight, bias, result) in enumerate(formats(network)):
        name, before = f"layer{i}", layers[-1]["name"]
        found: dict[str, Any] = {"name": name, "inputs": [before]}
        numbers = {"accum": "auto", "result": str(result)}
        if isinstance(layer, Shift):
            found |= _shift(layer, shape)
            numbers |= {"scale": _power_format(layer), "bias": "ap_uint<1>"}
        elif isinstance(layer, Dense):
            found |= {
                "class_name": "Dense",
                "n_in": layer.weight.shape[1],
                "n_out": len(layer.weight),
                "use_bias": True,
            }
            found |= {"weight_data": layer.weight.T.copy(), "bias_data": layer.bias}
            numbers |= {"weight": str(weight), "bias": str(bias)}
            shape = (*shape[:-1], len(layer.weight))
        elif isinstance(layer, Conv):
            found |= _conv(layer, shape)
            numbers |= {"weight": str(weight), "bias": str(bias)}
            shape = (shape[0] // 2, shape[1] // 2, len(layer.weight))
        elif isinstance(layer, MaxOverSlots):
            found |= {"class_name": "GlobalMaxPooling1D", "data_format": "channels_last"}
            found |= {"n_in": shape[0], "n_filt": shape[1], "pad_left": 0, "pad_right": 0}
            shape = shape[1:]
            numbers = {"result": precision[before]["result"], "accum": precision[before]["result"]}
        elif isinstance(layer, Flatten):
            shape = (int(np.prod(shape)),)
            found |= {"class_name": "Reshape", "target_shape": list(shape)}
            numbers = {"result": precision[before]["result"]}
        elif isinstance(layer, SumOfSquares):
            many = f"{name}_squares"
            squares = {"name": many, "class_name": "Merge", "op": "multiply", "inputs": [before, before]}
            one = FixedPoint.holding(np.ones(1), 2)
            layers.append(squares)
            precision[many] = {"result": _square(precision[before]["result"])}
            found |= {"inputs": [many], "class_name": "Dense", "n_in": shape[0], "n_out": 1}
            found |= {"weight_data": np.ones((shape[0], 1)), "bias_data": np.zeros(1), "use_bias": True}
            numbers |= {"weight": str(one), "bias": str(one)}
            shape = (1,)
        layers.append(found)
        precision[name] = numbers
        if isinstance(layer, Dense | Conv) and layer.relu:
            relu = f"{name}_relu"
            layers.append({"name": relu, "class_name": "Activation", "activation": "relu", "inputs": [name]})
            assert result is not None
            # Without the sign, all values that a ReLU lets through.
            precision[relu] = {"result": f"ap_ufixed<{result.width - 1},{result.integer - 1},AP_RND,AP_SAT>"}
    return layers, precision


def _shift(layer: Shift, shape: tuple[int, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"class_name": "BatchNormalization", "n_in": int(np.prod(shape)), "use_gamma": True}
    channels = shape[-1] if len(shape) > 1 else -1
    zeros = np.zeros(len(layer.exponents))
    return found | {"n_filt": channels, "scale_data": np.exp2(layer.exponents), "bias_data": zeros, "use_beta": True}


def _power_format(layer: Shift) -> str:
    """Return unsigned numbers that hold all powers exactly."""
    low, high = int(layer.exponents.min()), int(layer.exponents.max())
    return f"ap_ufixed<{max(1, high - low + 1)},{high + 1}>"


def _conv(layer: Conv, shape: tuple[int, ...]) -> dict[str, Any]:
    height, width, channels = shape
    # hls4ml's weights are (rows, columns, channels, filters).
    found = {"class_name": "Conv2D", "data_format": "channels_last", "use_bias": True, "bias_data": layer.bias}
    found |= {"weight_data": layer.weight.transpose(2, 3, 1, 0).copy(), "n_chan": channels, "n_filt": len(layer.weight)}
    found |= {"in_height": height, "in_width": width, "out_height": height // 2, "out_width": width // 2}
    found |= {"filt_height": 2, "filt_width": 2, "stride_height": 2, "stride_width": 2, "padding": "valid"}
    return found | {f"pad_{side}": 0 for side in ("top", "bottom", "left", "right")}


def _square(precision: str) -> str:
    """Return the numbers that squares of others are, exactly."""
    width, integer = (int(part) for part in precision[len("ap_fixed<") :].split(",")[:2])
    return f"ap_fixed<{2 * width},{2 * integer}>"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep hls4ml's words and the compiler's away from the terminal, and TensorFlow out of its search for parsers."""
    before = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    logging.getLogger("hls4ml").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            del os.environ["TF_CPP_MIN_LOG_LEVEL"]
        else:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = before
