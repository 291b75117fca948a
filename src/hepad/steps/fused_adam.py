"""Adam's update of all weights by its one operation, without what PyTorch's optimiser does around it at each step."""

from typing import Any, Final

import torch
from torch import Tensor
from torch.optim import Adam, AdamW, Optimizer
from torch.optim import optimizer as optimizers

_CHANGE_ARITHMETIC: Final = ("amsgrad", "maximize", "differentiable", "capturable")

Moments = tuple[list[Tensor], list[Tensor], list[Tensor]]
"""Means of gradients, means of their squares, and numbers of steps, of all weights."""


class FusedAdam:
    """Steps of a fused Adam or AdamW on a CPU, to the last bit those of the optimiser itself.

    An optimiser gathers its weights and their moments anew at every step and sorts them by device and type, which takes
    longer than the update of a small network. Here they are gathered once. Whatever is out of the ordinary is left to
    the optimiser: hooks, several groups, weights without a gradient, options that change the arithmetic.

    Args:
        optimizer: any; of another kind, each step is its own.

    >>> import torch
    >>> from hepad.steps.fused_adam import FusedAdam
    >>> weights = torch.nn.Parameter(torch.ones(2))
    >>> step = FusedAdam(torch.optim.Adam([weights], lr=0.1, fused=True))
    >>> for _ in range(2):
    ...     weights.grad = torch.tensor([1.0, -1.0])
    ...     step()
    >>> weights
    Parameter containing:
    tensor([0.8000, 1.2000], requires_grad=True)
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.weights: list[Tensor] = [one for group in optimizer.param_groups for one in group["params"]]
        self._is_known = self._has_one_update()
        self._moments: Moments | None = None

    def _has_one_update(self) -> bool:
        groups = self.optimizer.param_groups
        if type(self.optimizer) not in (Adam, AdamW):
            return False
        on_cpu = all(one.device.type == "cpu" and not one.is_complex() for one in self.weights)
        one_type = len({one.dtype for one in self.weights}) == 1
        return len(groups) == 1 and bool(groups[0].get("fused")) and on_cpu and one_type

    def __call__(self) -> None:
        """Take a step by the gradients that the weights hold."""
        group = self.optimizer.param_groups[0]
        gradients = [one.grad for one in self.weights]
        moments = None
        if self._is_known and not self._is_special(group) and all(one is not None for one in gradients):
            moments = self._found_moments()
        if moments is None:
            self.optimizer.step()
            return
        mean, square, steps = moments
        beta1, beta2 = group["betas"]
        update: Any = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
        with torch.no_grad():
            torch._foreach_add_(steps, 1)
            update(
                self.weights, gradients, mean, square, [], steps,
                lr=group["lr"], beta1=beta1, beta2=beta2, weight_decay=group["weight_decay"], eps=group["eps"],
                amsgrad=False, maximize=False,
            )  # fmt: skip

    def _is_special(self, group: dict[str, Any]) -> bool:
        own = self.optimizer
        hooks = own._optimizer_step_pre_hooks or own._optimizer_step_post_hooks
        of_all = optimizers._global_optimizer_pre_hooks or optimizers._global_optimizer_post_hooks
        numbers = all(isinstance(value, float) for value in (group["lr"], *group["betas"]))
        return bool(hooks or of_all) or not numbers or any(group[name] for name in _CHANGE_ARITHMETIC)

    def _found_moments(self) -> Moments | None:
        """Return the moments; None before the first step, which makes them."""
        state: Any = self.optimizer.state
        first = self.weights[0]
        # A checkpoint that is loaded brings moments of its own.
        known = self._moments is not None and first in state and self._moments[0][0] is state[first]["exp_avg"]
        if not known:
            names = ("exp_avg", "exp_avg_sq", "step")
            if not all(one in state for one in self.weights):
                return None
            mean, square, steps = ([state[one][name] for one in self.weights] for name in names)
            self._moments = mean, square, steps
        return self._moments
