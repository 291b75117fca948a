"""Expressions of columns, as a preset or a user writes them: `Jet_pt / 1000`, `hypot(px, py)`, `HLT_A or HLT_B`.

They are read by Python's own parser and evaluated node by node on whole arrays. Nothing of Python is reached that is
not named in this file and in `hepad.formats.functions`: no attributes, no calls of anything else, no keywords.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import numpy as np

from hepad.core.errors import UserError
from hepad.formats.elementwise import elementwise
from hepad.formats.functions import FUNCTIONS

_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, power: (float(base) if isinstance(base, int) else base) ** power,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_CONSTANTS: Final = {"pi": float(np.pi)}
_LONGEST: Final = 2000


class MissingColumn(Exception):
    """A column that an expression names and the file does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def names_in(expression: str) -> tuple[str, ...]:
    """Return the columns that an expression names, each once, in their order.

    >>> from hepad.formats.expressions import names_in
    >>> names_in("where(Jet.PT > 30, hypot(px, py), pi)")
    ('Jet.PT', 'px', 'py')
    """
    return tuple(dict.fromkeys(_names(_parsed(expression))))


def evaluate(expression: str, column: Callable[[str], Any]) -> Any:
    """Return the array that an expression stands for.

    Args:
        expression: numbers, columns, `+ - * / % **`, comparisons, `and or not`, `[…]`, and the functions of
            `hepad.formats.functions`.
        column: gives the array of a name; raises `MissingColumn`.

    Raises:
        UserError: it cannot be read, or its arrays do not fit one another.

    >>> import numpy as np
    >>> from hepad.formats.expressions import evaluate
    >>> evaluate("(a > 1) * a / 2", {"a": np.array([1.0, 4.0])}.__getitem__).tolist()
    [0.0, 2.0]
    """
    try:
        with np.errstate(all="ignore"):
            return _value(_parsed(expression), column, expression)
    except (UserError, MissingColumn, MemoryError):
        raise
    except Exception as error:
        # Awkward and NumPy raise many types where shapes do not fit.
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UserError(f"cannot compute {expression!r}: {said[:200]}") from error


@cache
def _parsed(expression: str) -> ast.expr:
    if len(expression) > _LONGEST:
        raise UserError(f"the expression {expression[:60]!r}… has more than {_LONGEST} characters")
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"cannot read the expression {expression!r}; such as 'Jet_pt / 1000' is needed") from error


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)) is not None:
        return f"{before}.{node.attr}"
    return None


def _named(node: ast.expr) -> str | None:
    """Return the column that a node names, by itself or as `column("any name")`."""
    if isinstance(node, ast.Call) and _dotted(node.func) == "column":
        words = [part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        return words[0] if len(words) == len(node.args) == 1 else None
    name = _dotted(node)
    return None if name in _CONSTANTS else name


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.expr) and (name := _named(node)) is not None:
        yield name
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Call) and child is node.func):
            yield from _names(child)


def _value(node: ast.expr, column: Callable[[str], Any], text: str) -> Any:
    def value(part: ast.expr) -> Any:
        return _value(part, column, text)

    if (name := _named(node)) is not None:
        return column(name)
    match node:
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Constant(value=bool() | int() | float() as constant):
            return constant
        case ast.BinOp(op=op) if type(op) in _BINARY:
            return elementwise(_BINARY[type(op)], value(node.left), value(node.right))
        case ast.UnaryOp(op=ast.USub()):
            return elementwise(operator.neg, value(node.operand))
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            return elementwise(lambda operand: ~(operand != 0), value(node.operand))
        case ast.BoolOp(op=op):
            join = operator.and_ if isinstance(op, ast.And) else operator.or_
            found = elementwise(operator.ne, value(node.values[0]), 0)
            for part in node.values[1:]:
                found = elementwise(join, found, elementwise(operator.ne, value(part), 0))
            return found
        case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
            sides = [value(part) for part in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
            parts = [elementwise(_COMPARE[type(op)], a, b) for op, a, b in pairs]
            found = parts[0]
            for part in parts[1:]:
                found = elementwise(operator.and_, found, part)
            return found
        case ast.Subscript():
            return value(node.value)[_index(node.slice, value)]
        case ast.Call(keywords=[]) if (called := _dotted(node.func)) in FUNCTIONS:
            function, given = FUNCTIONS[str(called)], [value(part) for part in node.args]
            return elementwise(function, *given) if isinstance(function, np.ufunc) else function(*given)
        case ast.Call():
            raise UserError(f"{text!r}: no function {_dotted(node.func)}; there are {', '.join(sorted(FUNCTIONS))}")
    raise UserError(f"{text!r}: {type(node).__name__} is not read; numbers, columns and functions are")


def _index(node: ast.expr, value: Callable[[ast.expr], Any]) -> Any:
    match node:
        case ast.Tuple():
            return tuple(_index(part, value) for part in node.elts)
        case ast.Slice():
            return slice(*(None if part is None else value(part) for part in (node.lower, node.upper, node.step)))
        case ast.Constant(value=constant) if constant is ...:
            return constant
    return value(node)
