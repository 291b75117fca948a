"""The operations that raise on a CUDA tensor under `torch.use_deterministic_algorithms(True)`, as data.

Sources: the documentation of `torch.use_deterministic_algorithms` (PyTorch 2.13), list "will throw a RuntimeError", and
for what is not in that list the calls of `alertNotDeterministic` in ATen's CUDA kernels (`kthvalue`, `index_reduce`,
`median` of one axis, antialiased upsampling). Names are those of the operations that arrive at the dispatcher, so that
what is only wrong in the backward pass is there by its backward operation. Left out: quantized `resize_`; `NLLLoss` of
one axis, which the documentation names and whose kernel raises for images alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch

Condition = Callable[[Sequence[Any], Mapping[str, Any]], bool]


def _always(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    return True


def _of_floats(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    dtype = kwargs.get("dtype") or args[0].dtype
    return bool(dtype.is_floating_point or dtype.is_complex)


def _with_weights(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    return (args[1] if len(args) > 1 else kwargs.get("weights")) is not None


def _products(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    return (args[4] if len(args) > 4 else kwargs.get("reduce")) == "prod"


def _largest_of_bag(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    return 2 in (args[7] if len(args) > 7 else None, kwargs.get("mode"))


_NEVER_ON_CUDA: Final = (
    # Backward passes that add with atomics.
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "_ctc_loss_backward",
    "_upsample_bicubic2d_aa_backward",
    "_upsample_bilinear2d_aa_backward",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d_backward",
    "avg_pool3d_backward",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward",
    "upsample_linear1d_backward",
    "upsample_trilinear3d_backward",
    # Forward passes.
    "histc",
    "index_reduce",
    "index_reduce_",
    "kthvalue",
    "max_unpool2d",
    "max_unpool3d",
    "nll_loss2d_forward",
    "nll_loss2d_backward",
    "put",
    "put_",
)

NONDETERMINISTIC: Final[dict[str, Condition]] = {
    **dict.fromkeys(_NEVER_ON_CUDA, _always),
    "_embedding_bag_dense_backward": _largest_of_bag,
    "bincount": _with_weights,
    "cumsum": _of_floats,
    "cumsum_": _of_floats,
    "scatter_reduce": _products,
    "scatter_reduce_": _products,
}
"""Name of an operation in `torch.ops.aten` → whether it raises for these arguments."""

WITH_INDICES: Final = ("median.dim", "nanmedian.dim")
"""Overloads that raise, where others of the same name do not."""


def is_nondeterministic(operation: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Return whether an operation on CUDA tensors with these arguments has no deterministic implementation."""
    if operation.namespace != "aten":
        return False
    name = operation._schema.name.removeprefix("aten::")
    if f"{name}.{operation._overloadname}" in WITH_INDICES:
        return True
    condition = NONDETERMINISTIC.get(name)
    return condition is not None and condition(args, kwargs)
