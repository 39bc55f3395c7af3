"""Passes: a document's forward pass, and the derivative of any value in it by any other.

A document writes its forward pass once, in its own letters, as a function `forward(net, keep)`, in
which `keep("Z1", value)` names a value and returns it. The function runs on plain arrays (the
values that formulas read), on complex and shifted arrays (numerical derivatives), and on Tensors
(the tape). A derivative has the shape of the one value followed by that of the other.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from .strict import Strict, Undefined, strict

Keep = Callable[[str, Any], Any]
ForwardPass = Callable[[SimpleNamespace, Keep], None]


class Pass:
    """A forward pass in plain NumPy; `d` differentiates it by the complex step, exact to rounding.

    A formula gets it as `v`: `v.W[1]` and `v.A[2]` are kept values; `v.m`, `v.L`, `v.n[1]` and all
    other attributes of the network are its numbers and functions; `v.d("J", "A2")` is the value of
    a derivative on the right-hand side of the formula.

    >>> from nn.documents import networks, columns
    >>> v = Pass(columns, next(networks(0)))
    >>> v.d("J", "W1").shape == v.W[1].shape
    True
    >>> v.W[9]
    Traceback (most recent call last):
    nn.documents.strict.Undefined: W9: here W goes from 1 to 1
    """

    def __init__(self, forward: ForwardPass, net: SimpleNamespace) -> None:
        self._forward, self.net = forward, net
        self._sweeps: dict[str, dict[str, np.ndarray]] = {}
        self._values = self._run()

    def _run(self, name: str = "", change: Callable[[Any], Any] | None = None) -> dict[str, Any]:
        """Go forward; the value kept as `name` is replaced by `change(value)`."""
        kept: dict[str, Any] = {}

        def keep(key: str, value: Any) -> Any:
            kept[key] = change(value) if change is not None and key == name else value
            return kept[key]

        self._forward(self.net, keep)
        return kept

    def value(self, name: str) -> Any:
        """The value kept as `name`. Raises Undefined, saying what there is, for another name."""
        if name not in self._values:
            raise Undefined(f"{name}: {self._known(name)}")
        return strict(self._values[name])

    def d(self, of: str, wrt: str) -> Any:
        """∂`of`/∂`wrt`, of shape `of` + shape `wrt`."""
        self.value(of), self.value(wrt)  # an unknown name is reported here
        if wrt not in self._sweeps:
            self._sweeps[wrt] = self._sweep(wrt)
        return strict(self._sweeps[wrt][of])

    def hessian(self, of: str, wrt: str) -> Any:
        """∂²`of`/∂`wrt`∂`wrt` of a scalar, of shape `wrt` + shape `wrt`."""
        h = 0.01  # a stencil of eighth order: its error is about h⁸/630
        weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
        rows = [
            sum(
                w * sign * self._sweep(wrt, sign * k * h * e)[of] / h
                for k, w in weights.items()
                for sign in (1, -1)
            )
            for e in self._units(wrt)
        ]
        return strict(np.stack(rows, -1).reshape(2 * self._shape(wrt)))

    def _sweep(self, wrt: str, shift: Any = 0.0) -> dict[str, np.ndarray]:
        """The derivative of everything by each component of `wrt`, at `wrt` + shift."""
        h = 1e-30

        def moved(step: np.ndarray) -> dict[str, Any]:
            kept = self._run(wrt, lambda x: x + shift + 1j * h * step)
            return {name: np.imag(value) / h for name, value in kept.items()}

        return self._columns(wrt, [moved(e) for e in self._units(wrt)])

    def _columns(self, wrt: str, rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
        names = [name for name, value in self._values.items() if np.shape(value) != (0,)]
        return {
            name: np.stack([row[name] for row in rows], -1).reshape(
                self._shape(name) + self._shape(wrt)
            )
            for name in names
        }

    def _shape(self, name: str) -> tuple[int, ...]:
        return np.shape(self._values[name])

    def _units(self, name: str) -> Iterator[np.ndarray]:
        size = int(np.prod(self._shape(name)))
        return (e.reshape(self._shape(name)) for e in np.eye(size))

    def _known(self, name: str) -> str:
        letter = name.rstrip("0123456789-")
        indices = sorted(
            int(key[len(letter) :])
            for key in self._values
            if key.startswith(letter) and key[len(letter) :].isdigit()
        )
        if indices:
            return f"here {letter} goes from {indices[0]} to {indices[-1]}"
        return f"never defined; there are {' '.join(self._values)}"

    def __getattr__(self, letter: str) -> Any:
        if letter.startswith("_"):
            raise AttributeError(letter)
        if letter in self._values:
            return self.value(letter)
        if any(key.startswith(letter) and key[len(letter) :].isdigit() for key in self._values):
            return Layers(self, letter)
        if hasattr(self.net, letter):
            found = getattr(self.net, letter)
            return strict(found) if isinstance(found, np.ndarray) else found
        raise Undefined(f"{letter}: {self._known(letter)}")


class Layers:
    """One letter of a pass: `v.W[1]` is the value kept as W1."""

    def __init__(self, of: Pass, letter: str) -> None:
        self._of, self._letter = of, letter

    def __getitem__(self, layer: int) -> Strict:
        return self._of.value(f"{self._letter}{layer}")


class DifferencePass(Pass):
    """A pass that is differentiated by central differences: the second opinion on the tape."""

    def _sweep(self, wrt: str, shift: Any = 0.0) -> dict[str, np.ndarray]:
        h = 1e-5  # four points, for the steep logarithm of an output close to 0 or 1

        def moved(step: np.ndarray) -> dict[str, Any]:
            def at(k: int) -> dict[str, Any]:
                return self._run(wrt, lambda x: x + shift + k * h * step)

            left, near_left, near_right, right = (at(k) for k in (-2, -1, 1, 2))
            return {
                name: (left[name] - right[name] + 8 * (near_right[name] - near_left[name]))
                / (12 * h)
                for name in left
            }

        return self._columns(wrt, [moved(e) for e in self._units(wrt)])


class TapePass(Pass):
    """A pass that is differentiated by the tape: the first judge."""

    def __init__(self, forward: ForwardPass, net: SimpleNamespace) -> None:
        super().__init__(forward, net)
        self._tensors = self._record()
        self._known_derivatives: dict[tuple[str, str], Strict] = {}

    def _record(self, name: str = "", tensor: Any = None) -> dict[str, Any]:
        """Go forward on the tape; every kept array becomes a Tensor of that name."""
        import autograd_lite as ag

        kept: dict[str, Any] = {}

        def keep(key: str, value: Any) -> Any:
            if key == name:
                value = tensor
            elif not isinstance(value, ag.Tensor):
                value = ag.Tensor(np.asarray(value, dtype=float), requires_grad=True, name=key)
            kept[key] = value
            return value

        self._forward(self.net, keep)
        return kept

    def d(self, of: str, wrt: str) -> Any:
        """∂`of`/∂`wrt`: one walk back along the tape for each component of `of`."""
        import autograd_lite as ag

        self.value(of), self.value(wrt)
        if (of, wrt) not in self._known_derivatives:
            output, target = self._tensors[of], self._tensors[wrt]
            rows = [ag.gradients(output, [target], gradient=e)[0] for e in self._units(of)]
            found = np.stack(rows).reshape(self._shape(of) + self._shape(wrt))
            self._known_derivatives[of, wrt] = strict(found)
        return self._known_derivatives[of, wrt]

    def hessian(self, of: str, wrt: str) -> Any:
        """The Hessian, by differentiating the gradient that is itself on the tape."""
        import autograd_lite as ag

        return strict(ag.hessian(lambda x: self._record(wrt, x)[of])(self._values[wrt]))
