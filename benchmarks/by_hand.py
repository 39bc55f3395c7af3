"""Networks and their backward pass, written by hand in plain NumPy, line by line.

`LINES` is the whole pass, one line for each quantity of a layer; an edit puts another line in the
place of one. Nothing here uses the library's rules: this judges them.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
Edits = dict[tuple[str, int], str]

HIDDEN = ("tanh", "sigmoid", "relu", "softplus")
OUTPUTS = [
    ("sigmoid", "binary_cross_entropy"),
    ("softmax", "cross_entropy"),
    ("identity", "half_squared_error"),
    ("sigmoid", "half_squared_error"),
    ("tanh", "half_squared_error"),
    ("softmax", "half_squared_error"),
]

# A pair is the line for samples as columns, then for samples as rows. `{}` quote other lines.
ACTIVATION = {
    "tanh": "np.tanh(Z)",
    "sigmoid": "sigmoid(Z)",
    "relu": "np.maximum(Z, 0)",
    "softplus": "np.log1p(np.exp(Z))",
    "identity": "Z",
    "softmax": "np.exp(Z) / np.sum(np.exp(Z), axis={features}, keepdims=True)",
}
DERIVATIVE = {
    "tanh": "(1 - A**2)",
    "sigmoid": "A * (1 - A)",
    "relu": "(Z > 0)",
    "softplus": "sigmoid(Z)",
    "identity": "np.ones_like(Z)",
}
LOSS = {
    "binary_cross_entropy": "((1 - Y) / (1 - A) - Y / A)",
    "cross_entropy": "(-Y / A)",
    "half_squared_error": "(A - Y)",
}
LINES = {
    "Z": ("W @ A_prev + b", "A_prev @ W + b"),
    "A": "{activation}",
    "loss": "{loss_sum}{loss_mean}",  # dA of the output, or its dZ where the author cancelled σ′
    "dZ": "dA * {D}",
    "dW": "{dW_sum}{mean}{decay}",
    "dW_sum": ("dZ @ A_prev.T", "A_prev.T @ dZ"),
    "db": "{db_sum}{mean}",
    "db_sum": "np.sum(dZ, axis={samples}, keepdims=True)",
    "dA": ("W.T @ dZ", "dZ @ W.T"),
}


@dataclass(frozen=True)
class Problem:
    """A network, its data, and the habits of the person who derives its gradients.

    `cancelled`: the output's dZ = A − Y is written at once. `mean`: 1/m stands in the derivative
    of the "cost", or in each "gradient" dW and db. `older`: the parameters one training step ago.
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    batch_axis: int
    decay: float
    cancelled: bool
    mean: str
    X: np.ndarray
    Y: np.ndarray
    parameters: Arrays = field(default_factory=dict)
    older: Arrays = field(default_factory=dict)
    kink: bool = False

    @property
    def L(self) -> int:
        return len(self.activations)

    @property
    def style(self) -> tuple[Any, ...]:
        """All that decides how the lines are written."""
        how = (self.decay, self.cancelled, self.mean)
        return (self.activations, self.loss, self.batch_axis, *how)

    @property
    def m(self) -> int:
        return self.X.shape[self.batch_axis]

    @property
    def title(self) -> str:
        layers = "-".join(map(str, self.sizes))
        axis = "columns" if self.batch_axis else "rows"
        names = " ".join(self.activations)
        return f"{layers} {names} {self.loss}, {self.m} samples as {axis}, {self.X.dtype}"

    def astype(self, dtype: Any) -> "Problem":
        """The same problem with every array in another precision."""
        cast = {name: value.astype(dtype) for name, value in self.parameters.items()}
        older = {name: value.astype(dtype) for name, value in self.older.items()}
        X, Y = self.X.astype(dtype), self.Y.astype(dtype)
        return replace(self, X=X, Y=Y, parameters=cast, older=older)

    def elsewhere(self, rng: np.random.Generator) -> "Problem":
        """The same problem after one step of training from new random parameters."""
        older = {}
        for l in range(1, self.L + 1):
            n_in, n = self.sizes[l - 1 : l + 1]
            W, b = rng.normal(size=(n, n_in)) * 1.2 / np.sqrt(n_in), rng.normal(size=(n, 1)) / 2
            b = b * (not (self.kink and l == 1))  # a sample of zeros then meets relu at its kink
            older[f"W{l}"], older[f"b{l}"] = (W, b) if self.batch_axis else (W.T.copy(), b.T.copy())
        before = replace(self, parameters=older, older=older).astype(self.X.dtype)
        if self.kink:
            return before
        step = backward(before)[0]
        after = {name: W - 0.1 * step[name] for name, W in before.parameters.items()}
        return replace(before, parameters=after)

    def habits(self) -> "list[Problem]":
        """The problem as each kind of author would write it."""
        cancels = self.loss in ("binary_cross_entropy", "cross_entropy")
        styles = product((False, True) if cancels else (False,), ("cost", "gradient"))
        return [replace(self, cancelled=c, mean=mean) for c, mean in styles]

    def tape(self) -> Any:
        """The cost J on the library's tape, at the same parameters."""
        import nn

        net = nn.Network(
            list(self.sizes),
            activations=list(self.activations),
            rng=0,
            batch_axis=self.batch_axis,
            dtype=self.X.dtype,
        )
        net.set_parameters(self.parameters)
        output = net.forward(self.X).A[self.L]
        J = getattr(nn.losses, self.loss)(output, self.Y, batch_axis=self.batch_axis)
        if self.decay:
            weights = [W for name, W in net.parameters().items() if name[0] == "W"]
            J = J + self.decay / (2 * self.m) * sum(np.sum(W * W) for W in weights)
        return J


def random_problem(rng: np.random.Generator, dtype: Any = float) -> Problem:
    """A network of 1 to 5 layers with data; its widths distinct, equal, or equal to the batch."""
    L = int(rng.integers(1, 6))
    output, loss = OUTPUTS[rng.integers(len(OUTPUTS))]
    widths = rng.choice(["distinct", "one output", "equal", "square"])
    m = int(rng.integers(9, 14))
    sizes = [int(n) for n in rng.permutation(np.arange(2, 9))[: L + 1]]
    if widths == "one output" and output != "softmax":
        sizes[-1] = 1
    elif widths in ("equal", "square"):
        sizes = [int(rng.integers(3, 6))] * (L + 1)
        m = sizes[0] if widths == "square" else m
    axis, n = int(rng.integers(2)), sizes[-1]
    X = rng.normal(size=(sizes[0], m))
    Y = rng.normal(size=(n, m)) if output == "identity" else rng.uniform(0.1, 0.9, (n, m))
    if output == "softmax":
        Y = np.eye(n)[rng.integers(n, size=m)].T
    elif loss == "binary_cross_entropy":
        Y = rng.integers(2, size=(n, m)).astype(float)
    names = (*(str(rng.choice(HIDDEN)) for _ in range(L - 1)), output)
    kink = names[0] == "relu" and bool(rng.integers(2))
    X[:, 0] *= not kink
    problem = Problem(
        sizes=tuple(sizes),
        activations=names,
        loss=loss,
        batch_axis=axis,
        decay=float(rng.choice([0, 0, 0.1, 0.7])),
        cancelled=False,
        mean="cost",
        X=X if axis else X.T.copy(),
        Y=Y if axis else Y.T.copy(),
        kink=kink,
    )
    habits = problem.habits()
    return habits[rng.integers(len(habits))].astype(dtype).elsewhere(rng)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def unwritten(array: np.ndarray, index: int, axis: int) -> np.ndarray:
    """The array as a loop leaves it that never reaches one row or column."""
    array = array.copy()
    np.moveaxis(array, axis, 0)[index] = 0
    return array


def alone(array: np.ndarray, index: int, axis: int) -> np.ndarray:
    """The array with one sample only, as a loop leaves it that starts afresh for each."""
    rest = np.zeros_like(array)
    np.moveaxis(rest, axis, 0)[index] = np.moveaxis(array, axis, 0)[index]
    return rest


def copied(array: np.ndarray, target: int, source: int, axis: int) -> np.ndarray:
    """The array with one row or column copied over another: an index not changed after pasting."""
    array = array.copy()
    rows = np.moveaxis(array, axis, 0)
    rows[target] = rows[source]
    return array


def source(problem: Problem, text: str | tuple[str, str], l: int) -> str:
    """The line as it is written at layer l: by the batch axis, with the quoted lines put in."""
    text = text if isinstance(text, str) else text[1 - problem.batch_axis]
    return written(problem.style, text, l) if "{" in text else text


def derivative(activation: str, layer: str) -> str:
    """g′ of this layer or a neighbour; softmax has none, so what asks for it cannot be written."""
    text = DERIVATIVE.get(activation, "no_such_derivative")
    return text.replace("A", f"A{layer}").replace("Z", f"Z{layer}")


@cache
def written(style: tuple[Any, ...], text: str, l: int) -> str:
    activations, loss, batch_axis, decay, cancelled, mean = style
    name = activations[l - 1]
    below = activations[l - 2] if l > 1 else "identity"
    above = activations[l] if l < len(activations) else "identity"
    quoted: dict[str, Any] = {
        **LINES,
        "activation": ACTIVATION[name],
        "D": derivative(name, ""),
        "D_prev": derivative(below, "_prev"),
        "D_next": derivative(above, "_next"),
        "loss_sum": "(A - Y)" if cancelled else LOSS[loss],
        "loss_mean": " / m" if mean == "cost" else "",
        "mean": " / m" if mean == "gradient" else "",
        "decay": f" + {decay} / m * W" if decay else "",
        "lambda": str(decay),
        "samples": str(batch_axis),
        "features": str(1 - batch_axis),
    }
    if name == "softmax":
        quoted["dZ"] = "A * (dA - np.sum(dA * A, axis={features}, keepdims=True))"
    words = {}
    for word, line in quoted.items():
        if f"{{{word}}}" in text:
            line = line if isinstance(line, str) else line[1 - batch_axis]
            words[word] = written(style, line, l)
    return text.format(**words)


@cache
def compiled(text: str) -> Any:
    return compile(text, text, "eval")


def run(problem: Problem, edits: Edits, line: str, l: int, names: dict[str, Any]) -> np.ndarray:
    """One line of the pass at layer l, or what stands in its place."""
    text = edits.get((line, l)) or source(problem, "{" + line + "}", l)
    return eval(compiled(text), names)


def backward(problem: Problem, edits: Edits | None = None) -> tuple[Arrays, Arrays, Arrays]:
    """The gradients of the parameters, those of Z and A, and the forward values Z and A.

    The names that a line may use: A, Z, W, b, dA, dZ, dW of its layer, the same with `_prev`
    for the layer below and `_next` for the one above, and X, Y, m.
    """
    edits = edits or {}
    tools = {"np": np, "sigmoid": sigmoid, "unwritten": unwritten, "copied": copied}
    tools["alone"] = alone
    layers: list[dict[str, Any]] = [{"A": problem.X}]
    for l in range(1, problem.L + 1):
        own = {"W": problem.parameters[f"W{l}"], "b": problem.parameters[f"b{l}"]}
        names = {**tools, "X": problem.X, "Y": problem.Y, "m": problem.m, **own}
        names |= {f"{name}_prev": layers[-1][name] for name in "ZAWb" if name in layers[-1]}
        names["Z"] = run(problem, edits, "Z", l, names)
        names["A"] = run(problem, edits, "A", l, names)
        layers.append(names)
    gradients: Arrays = {}
    inner: Arrays = {}
    dA: Any = None
    for l in range(problem.L, 0, -1):
        names, output = layers[l], l == problem.L
        if not output:
            names |= {f"{name}_next": layers[l + 1][name] for name in "ZAWb"}
        first = run(problem, edits, "loss", l, names) if output else dA
        if not (output and problem.cancelled):
            names["dA"] = inner[f"A{l}"] = first
            first = run(problem, edits, "dZ", l, names)
        names["dZ"] = inner[f"Z{l}"] = first
        names["dW"] = gradients[f"W{l}"] = run(problem, edits, "dW", l, names)
        gradients[f"b{l}"] = run(problem, edits, "db", l, names)
        dA = run(problem, edits, "dA", l, names) if l > 1 else None
    values = {f"{name}{l}": layers[l][name] for l in range(1, problem.L + 1) for name in "ZA"}
    return gradients, inner, values


def cost(problem: Problem) -> float:
    """J by hand, for central differences."""
    _, _, values = backward(problem)
    A, Y = values[f"A{problem.L}"], problem.Y
    each = {
        "binary_cross_entropy": lambda: -Y * np.log(A) - (1 - Y) * np.log(1 - A),
        "cross_entropy": lambda: -Y * np.log(A),
        "half_squared_error": lambda: (A - Y) ** 2 / 2,
    }[problem.loss]()
    squares = sum(np.sum(W**2) for name, W in problem.parameters.items() if name[0] == "W")
    return (np.sum(each) + problem.decay / 2 * squares) / problem.m


def central_differences(problem: Problem, step: float) -> Arrays:
    """dW and db of every layer from the cost alone."""
    gradients = {}
    for name, W in problem.parameters.items():
        gradients[name] = np.empty_like(W)
        for index in np.ndindex(W.shape):
            costs = []
            for h in (step, -step):
                moved = W.copy()
                moved[index] += h
                costs.append(cost(replace(problem, parameters={**problem.parameters, name: moved})))
            gradients[name][index] = (costs[0] - costs[1]) / (2 * step)
    return gradients
