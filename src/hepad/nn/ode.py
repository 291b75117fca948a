"""Rules that follow a velocity field in steps of equal length."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

State = tuple[Tensor, ...]
Slope = Callable[[State, float], State]


def midpoint_step(slope: Slope, state: State, t: float, h: float) -> State:
    """Return the state after one step of the midpoint rule, of second order with two evaluations."""
    halfway = _moved(state, slope(state, t), h / 2)
    return _moved(state, slope(halfway, t + h / 2), h)


def runge_kutta_step(slope: Slope, state: State, t: float, h: float) -> State:
    """Return the state after one step of the classical Runge-Kutta rule, of fourth order with four evaluations."""
    first = slope(state, t)
    second = slope(_moved(state, first, h / 2), t + h / 2)
    third = slope(_moved(state, second, h / 2), t + h / 2)
    fourth = slope(_moved(state, third, h), t + h)
    mean = tuple((a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True))
    return _moved(state, mean, h)


RULES: Final = {"midpoint": midpoint_step, "runge_kutta": runge_kutta_step}


def integrate(slope: Slope, state: State, start: float, end: float, steps: int, rule: str) -> State:
    """Return the state at `end` of ds/dt = slope(s, t) that is `state` at `start`; `end` may be the earlier one.

    Args:
        slope: returns ds/dt of a state at a time, part by part.
        state: tensors that change together.
        start: where time begins.
        end: where it ends.
        steps: how many.
        rule: one of `RULES`.

    >>> import torch
    >>> from hepad.nn.ode import integrate
    >>> grown, = integrate(lambda state, t: state, (torch.ones(1),), 0.0, 1.0, 20, "runge_kutta")
    >>> round(grown.item(), 5)  # e
    2.71828
    """
    h = (end - start) / steps
    for i in range(steps):
        state = RULES[rule](slope, state, start + i * h, h)
    return state


def _moved(state: State, slope: State, h: float) -> State:
    # In the type of the state, which may be wider than what a network computes in.
    return tuple(torch.add(part, by.to(part.dtype), alpha=h) for part, by in zip(state, slope, strict=True))
