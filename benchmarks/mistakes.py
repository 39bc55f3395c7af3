"""The mistakes: each a line of the backward pass as a person would write it wrongly.

*Place*: the quantity whose line is wrong. A wrong `dZ1 = ...` is at Z1, a wrong `dW2` at W2, a
wrong `db2` at b2, a wrong `dA1 = W2.T @ dZ2` at A1, or at W2 if it is W2 that is mistaken; a wrong
operand of `dW2 = dZ2 @ A1.T` at W2 or A1; a wrong derivative of the loss at J, or at the output's
A or Z.
"""

from dataclasses import dataclass
from typing import Any

from benchmarks.by_hand import HIDDEN, LOSS, Edits, Problem, source

_KINDS = """
missing-mean extra-mean scale factor-two sign accumulated transposed reshaped derivative-dropped
derivative-twice derivative-at-activation derivative-of-other-layer derivative-mixed
derivative-wrong-formula wrong-activation preactivation-used weight-not-transposed wrong-weight
factor-missing copied-index product-confused bias-not-summed bias-wrong-axis bias-summed-over-all
bias-times-activation one-sample path-missing part-zero regularisation stale-weights
softmax-elementwise output-not-loss loss-derivative forward-differs precision convention shape
unknown
"""
KINDS = tuple(_KINDS.split())
UNPLANTED = {"unknown": "not a mistake: random arrays and noise are what must be called unknown"}


@dataclass(frozen=True)
class Mistake:
    """Lines written wrongly. `on`: the activations or losses meant; `needs`: what the author does.

    `spread`: planted in "one" layer, in "all" (a line inside a loop), or in one and in "both".
    `shaped`: what it gives may have the wrong shape.
    """

    kind: str
    lines: dict[str, str | tuple[str, str]]
    on: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    spread: str = "one"
    shaped: bool = False

    def applies(self, problem: Problem, l: int) -> bool:
        output = l == problem.L
        facts = {
            "cost": problem.mean == "cost",
            "gradient": problem.mean == "gradient",
            "cancelled": problem.cancelled,
            "written out": not problem.cancelled,
            "decay": problem.decay > 0,
            "no decay": not problem.decay,
            "output": output,
            "many outputs": problem.sizes[-1] > 1,
            "not softmax": problem.activations[-1] != "softmax",
        }
        subject = problem.loss if "loss" in self.lines else problem.activations[l - 1]
        return (
            all(facts[need] for need in self.needs)
            and (not self.on or subject in self.on)
            and ("loss" not in self.lines or output)
            and ("dZ" not in self.lines or not (output and problem.cancelled))
            and ("dA" not in self.lines or l > 1)
        )

    def edits(self, problem: Problem, layers: list[int]) -> Edits:
        return {
            (line, l): source(problem, text, l) for l in layers for line, text in self.lines.items()
        }

    def places(self, problem: Problem, l: int) -> frozenset[str]:
        """See the top of this module. The mistake's first line decides."""
        output = (f"A{problem.L}", f"Z{problem.L}", "J")
        operand = self.kind in ("wrong-activation", "preactivation-used", "reshaped")
        found = {
            "loss": output,
            "Z": (f"Z{l}",),
            "A": (f"A{l}",),
            "dZ": output if self.kind == "loss-derivative" else (f"Z{l}",),
            "dW": (f"W{l}", f"A{l - 1}" if l > 1 else "X") if operand else (f"W{l}",),
            "db": (f"b{l}",),
            "dA": (f"A{l - 1}", f"W{l}") if self.kind in WEIGHT_KINDS else (f"A{l - 1}",),
        }
        return frozenset(name for line in self.lines for name in found[line])


_WEIGHT_KINDS = """
weight-not-transposed wrong-weight factor-missing copied-index stale-weights product-confused
reshaped transposed
"""
WEIGHT_KINDS = tuple(_WEIGHT_KINDS.split())

Text = str | tuple[str, str]


def at(kind: str, line: str, *texts: Text, **where: Any) -> list[Mistake]:
    """The same kind of mistake in one line, written in several ways."""
    return [Mistake(kind, {line: text}, **where) for text in texts]


def layer(kind: str, dW: Text, db: Text, **where: Any) -> list[Mistake]:
    """A mistake in dW and in db together."""
    return [Mistake(kind, {"dW": dW, "db": db}, **where)]


def _factor_mistakes() -> list[Mistake]:
    """A constant in the wrong place: the mean, the half, the sign, a gradient added twice."""
    mean_twice = "{dW_sum}{mean} / m{decay}"
    mean_of_db = "np.mean(dZ, axis={samples}, keepdims=True){mean}"
    no_mean = {"needs": ("gradient",), "spread": "both"}
    return [
        *at("missing-mean", "loss", "{loss_sum}", needs=("cost",)),
        *at("missing-mean", "dW", "{dW_sum}{decay}", **no_mean),
        *at("missing-mean", "db", "{db_sum}", **no_mean),
        *layer("missing-mean", "{dW_sum}{decay}", "{db_sum}", **no_mean),
        *at("extra-mean", "loss", "({loss}) / m"),
        *at("extra-mean", "dA", "({dA}) / m"),
        *at("extra-mean", "dW", mean_twice, spread="both"),
        *at("extra-mean", "db", mean_of_db, spread="both"),
        *layer("extra-mean", mean_twice, mean_of_db, spread="both"),
        *at("scale", "loss", "{loss_sum} / A.size", needs=("cost", "many outputs")),
        *at(
            "scale",
            "loss",
            "{loss_sum} / X.shape[{features}]",
            "{loss_sum} / (m - 1)",
            needs=("cost",),
        ),
        *at("scale", "loss", "0.5 * ({loss})", "3 * ({loss})"),
        *at("scale", "dZ", "0.5 * ({dZ})"),
        *at("scale", "dA", "({dA}) / b.size"),
        *at(
            "scale",
            "dW",
            "{dW_sum} / W.shape[0]{mean}{decay}",
            "{dW_sum} / W.size{mean}{decay}",
            "0.5 * {dW_sum}{mean}{decay}",
        ),
        *at("scale", "db", "{db_sum} / b.size{mean}"),
        *at("factor-two", "loss", "2 * ({loss})"),
        *at("factor-two", "dZ", "2 * ({dZ})"),
        *at("factor-two", "dA", "2 * ({dA})"),
        *at("factor-two", "dW", "2 * {dW_sum}{mean}{decay}"),
        *at("factor-two", "db", "2 * {db_sum}{mean}"),
        *at("sign", "loss", "-({loss})"),
        *at("sign", "dZ", "-({dZ})", spread="both"),
        *at("sign", "dZ", "dA * (A**2 - 1)", on=("tanh",)),
        *at("sign", "dZ", "dA * A * (A - 1)", on=("sigmoid",)),
        *at("sign", "dA", "-({dA})"),
        *at("sign", "dW", "-{dW_sum}{mean}{decay}"),
        *at("sign", "db", "-{db_sum}{mean}"),
        *layer("accumulated", "2 * ({dW})", "2 * ({db})", spread="both"),
        *layer("accumulated", "3 * ({dW})", "3 * ({db})", spread="all"),
        *layer("accumulated", "5 * ({dW})", "5 * ({db})", spread="all"),
        *at("accumulated", "dW", "({dW}) + ({dW})"),
        *at("accumulated", "db", "({db}) + ({db}) + ({db})"),
    ]


def _shape_mistakes() -> list[Mistake]:
    """A transpose too many, or a reshape in its place; shapes that cannot be."""
    after = "{mean}{decay}"
    return [
        *at("transposed", "dW", "({dW}).T", spread="both", shaped=True),
        *at("transposed", "dW", (f"A_prev @ dZ.T{after}", f"dZ.T @ A_prev{after}")),
        *at(
            "reshaped",
            "dW",
            (
                f"(A_prev @ dZ.T).reshape(W.shape){after}",
                f"(dZ.T @ A_prev).reshape(W.shape){after}",
            ),
            (f"dZ @ A_prev.reshape(m, -1){after}", f"A_prev.reshape(-1, m) @ dZ{after}"),
            spread="both",
        ),
        *at(
            "reshaped",
            "dA",
            ("W.reshape(W.shape[::-1]) @ dZ", "dZ @ W.reshape(W.shape[::-1])"),
            spread="both",
        ),
        *at("shape", "db", "np.sum(dZ, axis={samples}){mean}", spread="both", shaped=True),
        *at("shape", "dW", "({dW}).ravel()", "({dW})[:-1]", shaped=True),
    ]


def _loss_mistakes() -> list[Mistake]:
    """The derivative of the cost by the output."""
    bce, ce, half = LOSS
    written = {"needs": ("written out",)}
    bare = ("written out", "not softmax")
    return [
        *at("softmax-elementwise", "dZ", "dA * A * (1 - A)", "dA * (A - A**2)", on=("softmax",)),
        *at("output-not-loss", "loss", "np.ones_like(A)", "np.ones_like(A) / m", needs=bare),
        *at("output-not-loss", "loss", "A * (1 - A){loss_mean}", on=(bce,), needs=("cancelled",)),
        *at("loss-derivative", "loss", "(A - Y){loss_mean}", on=(bce, ce), **written),
        *at("loss-derivative", "loss", "-Y / A{loss_mean}", on=(bce,), **written),
        *at(
            "loss-derivative",
            "loss",
            "((1 - Y) / (1 - A) - Y / A){loss_mean}",
            on=(ce, half),
            **written,
        ),
        *at(
            "loss-derivative",
            "loss",
            "np.sign(A - Y){loss_mean}",
            "(A - Y)**2 / 2{loss_mean}",
            "(A - Y)**2{loss_mean}",
            "(A + Y){loss_mean}",
            "(2 * A - Y){loss_mean}",
            "(A**2 - Y){loss_mean}",
            on=(half,),
        ),
        *at(
            "loss-derivative",
            "loss",
            "(A - Y) * A * (1 - A){loss_mean}",
            on=(bce,),
            needs=("cancelled",),
        ),
        *at(
            "loss-derivative",
            "dZ",
            "dA",
            on=("sigmoid", "tanh"),
            needs=("output", "written out"),
        ),
    ]


def _derivative_mistakes() -> list[Mistake]:
    """The line dZ = dA ∘ g′(Z)."""
    wrong = {
        "tanh": """(1 - A); A * (1 - A); A**2; (1 + A**2); (1 - A)**2; A; (Z > 0); sigmoid(Z);
            1 / np.cosh(Z)""",
        "sigmoid": """(1 - A); A; (1 - A**2); A * (1 + A); A**2; (1 - A)**2; np.exp(-Z); (Z > 0)""",
        "relu": """A; (Z < 0); np.where(Z > 0, 1, np.asarray(0.01, Z.dtype)); np.sign(Z);
            (1 - A**2); A * (1 - A); sigmoid(Z)""",
        "softplus": "A; (1 - A); sigmoid(Z) * (1 - sigmoid(Z)); (Z > 0); (1 - A**2); np.exp(Z)",
        "identity": "A * (1 - A); (1 - A**2); A; (A > 0)",
    }
    at_activation = {
        "tanh": "(1 - np.tanh(A)**2)",
        "sigmoid": "sigmoid(A) * (1 - sigmoid(A))",
        "softplus": "sigmoid(A)",
    }
    other_layer = {
        "tanh": "(1 - A_prev**2); (1 - A_next**2)",
        "sigmoid": "A_prev * (1 - A_prev); A_next * (1 - A_next)",
        "relu": "(Z_prev > 0); (Z_next > 0)",
    }
    mixed = {
        "sigmoid": "A * (1 - A_prev); A_prev * (1 - A); A * (1 - A_next); A_next * (1 - A)",
        "tanh": "(1 - A * A_prev); (1 - A * A_next)",
    }
    near = {"tanh": "(1 - Z**2)", "sigmoid": "Z * (1 - Z)"}

    def each(kind: str, table: dict[str, str], **where: Any) -> list[Mistake]:
        return [
            Mistake(kind, {"dZ": f"dA * {text.strip()}"}, on=(name,), **where)
            for name, texts in table.items()
            for text in texts.split(";")
        ]

    bce = ("binary_cross_entropy",)
    return [
        *at("derivative-dropped", "dZ", "dA", on=(*HIDDEN, "softmax"), spread="both"),
        *at("derivative-twice", "dZ", "dA * {D} * {D}", on=HIDDEN),
        *at("derivative-twice", "loss", "({loss}) * {D}", on=bce, needs=("cancelled",)),
        *at("derivative-of-other-layer", "dZ", "dA * {D_prev}", on=(*HIDDEN, "identity")),
        *at("derivative-of-other-layer", "dZ", "dA * {D_next}", on=HIDDEN),
        *each("derivative-of-other-layer", other_layer),
        *each("derivative-at-activation", at_activation, spread="both"),
        *each("derivative-mixed", mixed),
        *each("derivative-wrong-formula", wrong),
        *each("preactivation-used", near),
    ]


def _chain_mistakes() -> list[Mistake]:
    """The matrix products: dA = Wᵀ dZ with another weight, dW = dZ Aᵀ with another operand."""

    def weight(W: str) -> Text:
        return f"{W}.T @ dZ", f"dZ @ {W}.T"

    def operand(A: str) -> Text:
        return f"dZ @ {A}.T{{mean}}{{decay}}", f"{A}.T @ dZ{{mean}}{{decay}}"

    copies = [
        weight(f"copied(W, {to}, {of}, axis={axis})")
        for to, of in ((0, 1), (1, 0), (2, 1), (-1, 0))
        for axis in (0, 1)
    ]
    stale = [weight(f"(W - {rate} * dW)") for rate in (0.01, 0.05, 0.1, 0.5, 1.0)]
    curved = {"on": ("tanh", "sigmoid", "softplus")}
    return [
        *at("wrong-activation", "dW", operand("A"), operand("A_next")),
        *at("wrong-activation", "dW", operand("X"), spread="both"),
        *at("preactivation-used", "dW", operand("Z_prev"), spread="both"),
        *at("weight-not-transposed", "dA", ("W @ dZ", "dZ @ W"), spread="both"),
        *at("wrong-weight", "dA", weight("W_prev")),
        *at("wrong-weight", "dA", weight("W_next"), spread="both"),
        *at("factor-missing", "dA", "dZ", weight("np.ones_like(W)")),
        *at("copied-index", "dA", *copies),
        *at("product-confused", "dA", ("W.T * dZ", "dZ * W.T")),
        *at("product-confused", "dZ", "dA @ ({D})", **curved),
        *at("product-confused", "dW", "dZ * A_prev.T{mean}{decay}", "dZ * A_prev{mean}{decay}"),
        *at("stale-weights", "dA", *stale, spread="both"),
    ]


def _bias_mistakes() -> list[Mistake]:
    """The line db = Σ dZ over the samples."""
    over_features = "np.sum(dZ, axis={features}, keepdims=True){mean}"
    sums = "np.sum({}, axis={{samples}}, keepdims=True){{mean}}"
    return [
        *at("bias-not-summed", "db", "dZ{mean}", spread="both", shaped=True),
        *at("bias-wrong-axis", "db", "np.sum(dZ, axis={features}).reshape(b.shape){mean}"),
        *at("bias-wrong-axis", "db", over_features, spread="both", shaped=True),
        *at("bias-summed-over-all", "db", "np.sum(dZ) * np.ones_like(b){mean}", spread="both"),
        *at("bias-summed-over-all", "db", "np.asarray(np.sum(dZ){mean})", shaped=True),
        *at("bias-times-activation", "db", sums.format("dZ * A"), sums.format("dZ * A_prev")),
        *at("bias-times-activation", "db", sums.format("{dW_sum}"), spread="both"),
    ]


def _sample_mistakes() -> list[Mistake]:
    """What a loop leaves out: all samples but one, a row or a column of the result."""
    found = []
    for i, index in (("-1:", -1), (":1", 0)):
        for times in ("", "m * "):
            dW = (
                f"{times}dZ[:, {i}] @ A_prev[:, {i}].T{{mean}}{{decay}}",
                f"{times}A_prev[{i}].T @ dZ[{i}]{{mean}}{{decay}}",
            )
            db = (f"{times}dZ[:, {i}]{{mean}}", f"{times}dZ[{i}]{{mean}}")
            found += layer("one-sample", dW, db, spread="both")
            found += at("one-sample", "dW", dW) + at("one-sample", "db", db)
            for line in ("loss", "dZ"):
                text = f"{times}alone({{{line}}}, {index}, axis={{samples}})"
                found += at("one-sample", line, text)
    for index in (0, -1):
        for line in ("dW", "dZ", "dA"):
            for axis in (0, 1):
                found += at("part-zero", line, f"unwritten({{{line}}}, {index}, axis={axis})")
        found += at("part-zero", "db", f"unwritten({{db}}, {index}, axis={{features}})")
    return [*found, *layer("part-zero", "np.zeros_like(W)", "np.zeros_like(b)")]


def _regularisation_mistakes() -> list[Mistake]:
    """The L2 term: λ/(2m) Σ W² in the cost, λ/m W in dW, nothing in db."""

    def term(line: str, text: str, need: str, spread: str = "both") -> Mistake:
        return Mistake("regularisation", {line: text}, needs=(need,), spread=spread)

    # `0{decay}` is the term of the cost as it is derived rightly: λ/m W.
    return [
        term("dW", "{dW_sum}{mean}", "decay"),
        term("dW", "{dW_sum}{mean} + m * (0{decay})", "decay"),
        term("dW", "{dW_sum}{mean} - (0{decay})", "decay", "one"),
        term("dW", "{dW_sum}{mean} + 2 * (0{decay})", "decay"),
        term("dW", "{dW_sum}{mean} + (0{decay}) / 2", "decay", "one"),
        term("db", "{db} + {lambda} / m * b", "decay"),
        term("dW", "{dW} + 0.1 / m * W", "no decay"),
        term("dW", "{dW} + 0.01 * W", "no decay"),
        term("dW", "{dW} + 0.5 * W", "no decay", "one"),
        term("db", "{db} + 0.1 * b", "no decay", "one"),
    ]


def _forward_mistakes() -> list[Mistake]:
    """A wrong forward pass, with a backward pass that is right for its own values."""

    def forward(line: str, text: str | tuple[str, str], *on: str) -> Mistake:
        return Mistake("forward-differs", {line: text}, on=on)

    return [
        forward("Z", ("W @ A_prev", "A_prev @ W")),
        forward("Z", ("W @ A_prev - b", "A_prev @ W - b")),
        forward("Z", ("W.T @ A_prev + b", "A_prev @ W.T + b")),
        forward("Z", ("W @ Z_prev + b", "Z_prev @ W + b")),
        forward("A", "np.tanh(Z)", "relu", "softplus", "identity"),
        forward("A", "sigmoid(Z)", "tanh", "relu", "softplus", "identity"),
        forward("A", "Z", *HIDDEN[:1], "relu", "softplus"),
        forward("A", "np.maximum(Z, 0.1 * Z)", "relu"),
        forward("A", "np.exp(Z) / np.sum(np.exp(Z))", "softmax"),
        forward("A", "sigmoid(Z)", "softmax"),
    ]


MISTAKES = [
    *_factor_mistakes(),
    *_shape_mistakes(),
    *_derivative_mistakes(),
    *_chain_mistakes(),
    *_bias_mistakes(),
    *_sample_mistakes(),
    *_regularisation_mistakes(),
    *_loss_mistakes(),
    *_forward_mistakes(),
]
