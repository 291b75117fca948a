"""A device that computes on the CPU and is as strict as a GPU: what crashes there crashes here.

Fake CUDA tensors (`FakeTensorMode`) will not do: without a CUDA build PyTorch ends the process at the first backward
pass through one, and they hold no numbers, while a search asks how many restarts are still going, and a normaliser
whether a spread is zero. So this device has real numbers, kept on the CPU, and its own name.

Refused, with the words of CUDA where it has any:

- operations without a deterministic implementation on CUDA (`nondeterministic_operations`),
- operands on two devices, but for what CUDA allows: a CPU scalar in an elementwise operation, indices on the CPU,
  copies,
- a CPU generator for numbers on the device, and `.numpy()`.

What is refused is computed all the same and told at the end, all of it at once: an exception out of a backward pass
through a device that is written in Python ends the process.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final
from unittest.mock import patch

import torch
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

import hepad
from tests.gpu.nondeterministic_operations import is_nondeterministic

NAME: Final = "pretend_gpu"

_PACKAGE: Final = hepad.__path__[0] + "/"

_ATEN: Final = torch.ops.aten
_CROSSES_DEVICES: Final = (_ATEN.copy_, _ATEN._to_copy, _ATEN._copy_from, _ATEN.set_, _ATEN.is_same_size)
_INDEXED: Final = (_ATEN.index, _ATEN.index_put, _ATEN.index_put_, _ATEN._index_put_impl_, _ATEN._unsafe_index)
_TAKES_SCALARS: Final = (_ATEN.where, _ATEN.fill, _ATEN.fill_, _ATEN.masked_fill, _ATEN.masked_fill_)


@cache
def device() -> torch.device:
    """Return the device, which PyTorch learns of when it is first asked for."""
    _setup_privateuseone_for_python_backend(NAME)
    return torch.device(NAME, 0)


class PretendTensor(torch.Tensor):
    """A tensor of the pretended device.

    Attributes:
        on_cpu: its numbers.
    """

    on_cpu: torch.Tensor

    @staticmethod
    def __new__(cls, on_cpu: torch.Tensor) -> "PretendTensor":
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            on_cpu.size(),
            strides=on_cpu.stride(),
            storage_offset=on_cpu.storage_offset(),
            dtype=on_cpu.dtype,
            device=device(),
        )
        tensor.on_cpu = on_cpu
        return tensor

    def untyped_storage(self) -> torch.UntypedStorage:
        """Return where the numbers are, which are all the memory there is."""
        return self.on_cpu.untyped_storage()

    def __repr__(self) -> str:
        return f"PretendTensor({self.on_cpu})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _call(operation, args, kwargs or {})


class _MakesTensors(TorchDispatchMode):
    """Catches what has no tensor of the device among its arguments: what makes one."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        # In inference mode operations arrive that are made of others.
        with self:
            found = operation.decompose(*args, **(kwargs or {}))
        if found is not NotImplemented:
            return found
        return _call(operation, args, kwargs or {})


class _SingleThreaded(torch.inference_mode):
    """Inference mode, or its end, that leaves backward passes in this thread; PyTorch's own switches that off.

    A device has a thread of its own only if it was there at the first backward pass of the process.
    """

    def __enter__(self) -> None:
        super().__enter__()
        torch._C._set_multithreading_enabled(False)


@contextmanager
def pretend_gpu() -> Iterator[torch.device]:
    """Let tensors be made on the pretended device; PyTorch is told to be deterministic, as the trainer does by default.

    Yields:
        the device.

    Raises:
        RuntimeError: at the end, for all that CUDA would have refused.
    """
    found, before = device(), torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    # `torch.tensor(…, device=…)` asks the device for memory, unless its numbers are first on the CPU.
    torch._C._set_only_lift_cpu_tensors(True)
    _REFUSED.clear()
    try:
        with (
            patch.object(torch, "inference_mode", _SingleThreaded),
            torch.autograd.set_multithreading_enabled(False),
            _MakesTensors(),
        ):
            yield found
    finally:
        torch._C._set_only_lift_cpu_tensors(False)
        torch.use_deterministic_algorithms(before)
    if _REFUSED:
        raise RuntimeError("; ".join(_REFUSED))


_REFUSED: Final[dict[str, None]] = {}


def _refuse(operation: torch._ops.OpOverload, reason: str) -> None:
    frame, places = sys._getframe(2), []
    while frame is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            places.append(f"{frame.f_code.co_filename.removeprefix(_PACKAGE)}:{frame.f_lineno}")
        frame = frame.f_back
    _REFUSED[f"{operation} {reason} ({' < '.join(places[:2]) or 'in a backward pass'})"] = None


class PretendAccelerator(CPUAccelerator):
    """Lets Lightning put a model on the device."""

    def setup_device(self, device: torch.device) -> None:
        """Take the device as it is."""


def strategy() -> SingleDeviceStrategy:
    """Return what a Lightning trainer needs to train on the device."""
    return SingleDeviceStrategy(device(), PretendAccelerator())


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what arguments of an operation are made of: PyTorch's own `tree_leaves` takes ten times as long."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, dict):
        yield from _leaves(list(value.values()))
    else:
        yield value


def _map(change: Callable[[Any], Any], value: Any) -> Any:
    """Return arguments, or results, with each leaf changed."""
    if isinstance(value, tuple | list):
        parts = [_map(change, part) for part in value]
        return type(value)(parts) if type(value) in (tuple, list) else type(value)(*parts)
    if isinstance(value, dict):
        return {key: _map(change, part) for key, part in value.items()}
    return change(value)


def _call(operation, args, kwargs):
    leaves = list(_leaves((args, kwargs)))
    made_on = kwargs.get("device")
    on_device = made_on is not None and torch.device(made_on).type == NAME
    pretended = [leaf for leaf in leaves if isinstance(leaf, PretendTensor)]
    if not pretended and not on_device:
        return operation(*args, **kwargs)
    if is_nondeterministic(operation, args, kwargs):
        _refuse(operation, "does not have a deterministic implementation on CUDA")
    others = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and not isinstance(leaf, PretendTensor)]
    if pretended and others:
        _refuse_mixed(operation, args, others)
    if any(isinstance(leaf, torch.Generator) for leaf in leaves):
        _refuse(operation, "expected a 'cuda' device type for generator but found 'cpu'")
    inner_kwargs = _map(_on_cpu, kwargs)
    if made_on is not None:
        inner_kwargs["device"] = torch.device("cpu")
    # Wrappers of tensors of inference mode cannot be detached; those of any other may take part in it.
    with torch.inference_mode(False):
        return _computed(operation, args, inner_kwargs, pretended, stays=made_on is None or on_device)


def _computed(operation, args, kwargs, pretended, stays: bool):
    found = operation(*_map(_on_cpu, args), **kwargs)
    if not stays:
        return found
    # Of an operation in place the result is the very tensor it was given.
    known = {id(tensor.on_cpu): tensor for tensor in pretended}
    if operation in (_ATEN.squeeze_.default, _ATEN.unsqueeze_.default, _ATEN.t_.default, _ATEN.transpose_.default):
        raise NotImplementedError(f"{operation} changes the shape of a tensor in place")

    def on_device_again(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        return known[id(leaf)] if id(leaf) in known else PretendTensor(leaf)

    return _map(on_device_again, found)


def _on_cpu(leaf: Any) -> Any:
    if isinstance(leaf, torch.device):
        return torch.device("cpu")
    return leaf.on_cpu if isinstance(leaf, PretendTensor) else leaf


def _refuse_mixed(operation, args, others) -> None:
    packet = operation.overloadpacket
    if packet in _CROSSES_DEVICES:
        return
    written = isinstance(args[0], torch.Tensor) and operation._schema.is_mutable and any(args[0] is t for t in others)
    scalars_fit = torch.Tag.pointwise in operation.tags or packet in _TAKES_SCALARS
    indices_fit = packet in _INDEXED and isinstance(args[0], PretendTensor)
    indices = list(_leaves(args[1])) if indices_fit else []
    for tensor in others:
        if scalars_fit and tensor.ndim == 0 and not written:
            continue
        if any(tensor is index for index in indices):
            continue
        _refuse(operation, "found at least two devices, cuda:0 and cpu")
        return
