"""Closed forms of derivatives: against what is known, read back, as functions, and refused."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal
from closed_forms import ROWS, options

import autograd_lite as ag
from autograd_lite.algebra import matrices, shortening
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.linear import pulled_out
from autograd_lite.algebra.notation import TEXT
from autograd_lite.algebra.tree import Symbol, elementwise, number, product, transposed
from autograd_lite.derivation import closed
from benchmarks.known_derivatives import ALL, NINE, drawn, expected, signs
from nn.cli import command

NAMES = [f"{case.formula} by {case.wrt}, {case.options}" for case in ALL]


def derived(case):
    return ag.derive(case.formula, case.wrt, **case.options)


def letters(form):
    return {s.label for s in (*form.inputs, *form.others)}


@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_the_closed_form_has_the_known_value_and_is_as_short(case):
    d = derived(case)
    (form,) = d.forms.values()
    values = drawn(case, d.shapes, np.random.default_rng(3))
    found = d(**{name: x for name, x in values.items() if name in letters(form)})
    np.testing.assert_allclose(found, expected(case, values), rtol=1e-8, atol=1e-10)
    assert signs(d.formula) <= 1.3 * signs(case.known), d.formula
    assert form.error < 1e-8


SQUARES_WRITTEN_OUT = {"xᵀ diag(d) x", "tanh(W x + b)"}  # x ∘ x for x², of each element


@pytest.mark.parametrize("row", ROWS)
def test_the_closed_form_is_that_of_the_table(row):
    """The same by the reader of notes, which evaluates both on drawings of its own."""
    d = ag.derive(row["formula"], row["wrt"], **options(row))
    if row["formula"] not in SQUARES_WRITTEN_OUT:
        assert signs(d.formula) <= 1.3 * signs(row["closed"]), d.formula


def test_a_wrong_form_is_neither_the_known_one_nor_read_back():
    case = NINE[0]
    d = derived(case)
    values = drawn(case, d.shapes, np.random.default_rng(3))
    assert not np.allclose(d(**{k: values[k] for k in "Ax"}), values["A"] @ values["x"])
    assert not ag.check_derivation(str(d).replace("Aᵀ", "A") + "\n")


def test_source_is_what_a_person_would_run():
    source = ag.derive("sum(log(exp(−y ∘ (X w)) + 1))", "w").source
    assert source.endswith(
        "def gradient(y, X, w):\n    return -X.T @ (y * sigmoid(-y * (X @ w)))\n"
    )
    assert "np.linalg.solve(X.T, a)" in ag.derive("aᵀ X⁻¹ b", "X").source  # no inverse
    with pytest.raises(ValueError, match="library='julia': there are numpy, torch, jax"):
        ag.derive("xᵀ x", "x").forms["x"].source_in("julia")


# On tapes


def tensor(name, *shape):
    return ag.Tensor(normal(*shape, seed=sum(map(ord, name))), requires_grad=True, name=name)


A, X, D, W, Y = (
    tensor(n, *s) for n, s in zip("AXDWY", [(5, 5), (5, 5), (7, 5), (5, 3), (7, 3)], strict=True)
)
x, y, t, w, lam = tensor("x", 5), tensor("y", 5), tensor("t", 7), tensor("w", 5), tensor("λ")


@pytest.mark.parametrize(
    ("J", "by", "gradient", "hessian"),
    [
        (lambda: x @ A @ x / 2, x, "1/2 (A + Aᵀ) x", "1/2 (A + Aᵀ)"),
        (lambda: (x.reshape(5, 1).T @ A @ x.reshape(5, 1))[0, 0], x, "(A + Aᵀ) x", "A + Aᵀ"),
        (lambda: np.linalg.norm(A @ x - y, 1), x, "Aᵀ sign(A x − y)", "0"),
        (lambda: np.linalg.norm(x - y), x, "(x − y) / ‖x − y‖",
         "(α² I − (x − y) (x − y)ᵀ) / α³   where α = ‖x − y‖"),
        (lambda: np.log(np.linalg.det(np.linalg.inv(A @ A.T))), A, "−2 A⁻ᵀ", "2 A⁻ᵀ Vᵀ A⁻ᵀ"),
        (lambda: np.sum((D @ w - t) ** 2) / 14 + lam / 2 * np.sum(w**2), w,
         "λ w + 1/7 Dᵀ (D w − t)", "λ I + 1/7 Dᵀ D"),
        (lambda: np.sum((Y - D @ W) ** 2), W, "2 Dᵀ (D W − Y)", "2 Dᵀ D V"),
        (lambda: np.sum(np.abs(x) ** lam), x, "λ |x|^{∘(λ − 1)} ∘ sign(x)", None),
        (lambda: np.sum(np.diag(X) * y), X, "diag(y)", "0"),
        (lambda: np.sum(np.log(np.exp(-t * (D @ w)) + 1)), w, "−Dᵀ (t ∘ σ(−t ∘ (D w)))",
         "Dᵀ diag(t ∘ t ∘ σ(t ∘ (D w)) ∘ (1 − σ(t ∘ (D w)))) D"),
        (lambda: -np.sum(Y * np.log(np.exp(D @ W) / np.sum(np.exp(D @ W), 1, keepdims=True))), W,
         "Dᵀ (diag(Y 1) softmax(D W) − Y)", None),
    ],
)  # fmt: skip
def test_on_a_tape(J, by, gradient, hessian):
    assert ag.derive(J(), by).formula == gradient
    if hessian is not None:
        assert ag.derive(J(), by, order=2).formula == hessian


def test_named_tensors_stay_and_others_are_written_out():
    Z = (D @ w).named("z")
    d = ag.derive(np.sum(np.tanh(Z) ** 2), [w, Z])
    assert d.forms["w"].formula == "2 Dᵀ (tanh(z) − tanh(z)^∘3)"
    assert d.forms["z"].formula == "2 (tanh(z) − tanh(z)^∘3)"
    with pytest.raises(ValueError, match=r"there are 2 closed forms: see \.forms\[name\]"):
        _ = d.formula


@pytest.mark.parametrize("f", [np.sin, lambda y: np.tanh(y) * y, lambda y: y + y * 0.001,
                               lambda y: y * 1.001])  # fmt: skip
def test_what_is_endless_when_written_out_says_so(f):
    z = x
    for _ in range(300):
        z = f(z)
    with pytest.raises(ValueError, match="is too long to be written out .* name tensors"):
        _ = ag.derive(np.sum(z), x).formula


def test_what_has_no_matrix_form_says_so():
    cube = tensor("c", 2, 3, 4)
    with pytest.raises(ValueError, match="shape .* is no matrix"):
        _ = ag.derive(np.sum(cube**2), cube).formula
    assert ag.derive(np.sum(cube**2), cube).lines[0].rhs == "2 c"
    with pytest.raises(ValueError, match=r"x\[…\] has no form as matrices"):
        _ = ag.derive(np.sum(x[1:3]), x).formula
    assert ag.derive(np.sum(x[:, None] * A), x).formula == "A 1"


def test_rows_and_numbers_have_jacobians_too():
    for text, by, formula, shape in (
        ("xᵀ A", "x", "Aᵀ", ("m", "n")),
        ("xᵀ A", "A", "xᵀ V", ("n", "m")),
        ("σ(x)", "x", "σ(x) (1 − σ(x))", ()),
        ("x xᵀ x", "x", "(xᵀ x) I + 2 x xᵀ", ("n", "n")),
        ("diag(x) A x", "x", "diag(x) A + diag(A x)", ("n", "n")),
        ("X⁻¹", "X", "−X⁻¹ V X⁻¹", ("n", "n")),
    ):
        d = ag.derive(text, by)
        assert (d.formula, d.shape) == (formula, shape)


def test_what_is_assumed_of_data_is_said():
    labels = ag.Tensor(np.eye(3)[[0, 1, 2, 1, 0, 2, 1]], name="Y")
    J = -np.sum(labels * ag.log_softmax(D @ W, axis=1))
    (form,) = ag.derive(J, W).forms.values()
    assert form.formula == "Dᵀ (softmax(D W) − Y)"
    assert form.conditions == ("the rows of Y sum to 1",)


@pytest.mark.parametrize(
    ("formula", "wrt", "lines"),
    [
        ("sum(X) sum(X)", "X",
         ["T1 = 1ᵀ X 1", "J = T1²", "∂J/∂T1 = 2 T1", "∂J/∂X = ∂J/∂T1 𝟏 1ᵀ"]),
        ("tr(A X)", "X", ["∂J/∂X = Aᵀ"]),
        ("tr(X diag(a))", "a", ["∂J/∂a = diag(X)"]),
        ("−1/m (yᵀ log(σ(X w)) + (1 − y)ᵀ log(1 − σ(X w)))", "w",
         ["T1 = σ(X w)", "J = −(yᵀ log(T1) + (1 − y)ᵀ log(1 − T1)) / m",
          "∂J/∂w = Xᵀ ((T1 − y) / m)"]),
    ],
)  # fmt: skip
def test_the_steps_of_a_formula(formula, wrt, lines):
    """What is written twice has one name, in which J is written too; no index is left."""
    assert [str(line) for line in ag.derive(formula, wrt).lines] == lines


# What is checked before it is shown


@pytest.mark.parametrize("wrong", [lambda e: elementwise(np.multiply, number(1.001), e),
                                   lambda e: matrices.transposition(e)])  # fmt: skip
def test_a_short_form_that_does_not_hold_gives_way_to_a_longer_one(monkeypatch, wrong):
    short = shortening.Shortener.shortest
    monkeypatch.setattr(shortening.Shortener, "shortest", lambda self, e: wrong(short(self, e)))
    assert ag.derive("tr(Xᵀ A X)", "X").formula == "Aᵀ X I + A X I"  # as the rules gave it


def test_a_form_that_nothing_supports_is_not_shown(monkeypatch):
    monkeypatch.setattr(
        closed, "_candidates", lambda tape, raw, taken: [(raw.arguments[0], [], ())]
    )
    with pytest.raises(ArithmeticError, match="no closed form of ∂J/∂X has the values"):
        _ = ag.derive("tr(Xᵀ A X)", "X").formula


def test_a_rule_that_is_wrong_differs_from_central_differences(monkeypatch):
    from autograd_lite.rules import RULES

    monkeypatch.setitem(RULES, np.sin, (lambda g, y, x: g * np.cos(x) * 1.001,))
    with pytest.raises(ArithmeticError, match="central differences"):
        _ = ag.derive("sum(sin(x))", "x").formula


# The algebra, on random expressions

SQUARE = [Symbol("value", name, k, (3, 3)) for k, name in enumerate("ABC")]
COLUMN = Symbol("value", "v", 3, (3, 1))


def grown(rng, depth):
    """A random matrix expression."""
    if depth == 0:
        return SQUARE[rng.integers(3)]
    a, b = grown(rng, depth - 1), grown(rng, depth - 1)
    kind = rng.integers(8)
    if kind < 4:
        return product(a, b) if kind < 2 else elementwise((np.add, np.subtract)[kind - 2], a, b)
    if kind == 4:
        return elementwise(np.multiply, a, b)
    if kind == 5:
        return transposed(a)
    if kind == 6:
        return elementwise(np.multiply, number(rng.choice([2, -1, 0.5])), a)
    column = product(product(a, COLUMN), matrices.Ones((1, 3)))
    return elementwise(np.multiply, column, b)


def test_what_is_shortened_has_the_same_value_and_is_not_longer():
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(0.5, 1.5, size=(3, 3)) for name in "ABC"}
    values["v"] = rng.uniform(0.5, 1.5, size=(3, 1))
    for _ in range(150):
        e = grown(rng, int(rng.integers(1, 4)))
        short = shortening.Shortener()(e)
        expected_value = evaluate(e, lambda s: values[s.label])
        found = np.broadcast_to(evaluate(short, lambda s: values[s.label]), (3, 3))
        np.testing.assert_allclose(found, expected_value, rtol=1e-9, atol=1e-9, err_msg=TEXT(e))
        assert shortening.length(short) <= shortening.length(e), (TEXT(e), TEXT(short))


def test_what_stands_before_a_column_is_found_or_refused():
    A, B, _ = SQUARE
    e = elementwise(np.add, product(A, COLUMN), elementwise(np.multiply, COLUMN, COLUMN))
    with pytest.raises(matrices.NoMatrix, match="v"):
        pulled_out(elementwise(np.exp, COLUMN), COLUMN)
    with pytest.raises(matrices.NoMatrix, match="v"):
        pulled_out(e, COLUMN)
    two = elementwise(np.subtract, product(A, COLUMN), product(product(B, A), COLUMN))
    assert TEXT(shortening.Shortener()(pulled_out(two, COLUMN))) == "(I − B) A"


# Text


def test_shapes_are_given_in_letters_or_found():
    d = ag.derive("1/(2m) ‖X w − y‖²", "w", shapes={"X": ("m", "n")})
    assert (d.formula, d.shape) == ("Xᵀ (X w − y) / m", ("n",))
    assert d.shapes == {"X": ("m", "n"), "w": ("n",), "y": ("m",)}
    assert ag.derive("A exp(x)", "x").shape == ("n", "m")
    d = ag.derive("r = X w − y\nJ = 1/2 rᵀ r", "w")
    assert d.formula == "Xᵀ r   where r = X w − y"
    assert [str(line) for line in d.lines] == ["∂J/∂r = r", "∂J/∂w = Xᵀ ∂J/∂r"]
    assert ag.derive(r"\frac{1}{2} x^\top A x", "x").latex() == r"\frac{1}{2} (A + A^{\top}) x"


def test_what_is_said_of_letters_belongs_to_a_formula():
    with pytest.raises(TypeError, match="shapes and assume: said of the letters of a formula"):
        ag.derive(np.sum(x * x), [x], shapes={"x": ("n",)}, assume={"x": "positive"})


@pytest.mark.parametrize("J", [lambda: ag.Tensor(3.0, True, "x"), lambda: "x"])
def test_what_is_differentiated_by_itself(J):
    d = ag.derive(J())
    assert [str(line) for line in d.lines] == ["∂x/∂x = 1"]
    assert (d.formula, ag.derive(J(), order=2).formula) == ("1", "0")


@pytest.mark.parametrize(
    ("assumed", "formula"),
    [("symmetric", "2 A x"), ("positive definite", "2 A x"), ("diagonal", "2 A x")],
)
def test_assumptions(assumed, formula):
    assert ag.derive("xᵀ A x", "x", assume={"A": assumed}).formula == formula
    assert ag.derive("‖Q x‖²", "x", assume={"Q": "orthogonal"}).formula == "2 x"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("xᵀ A (x", {}, r"the formula ends where '\)' should follow"),
        ("xᵀ A x", {"wrt": "z"}, "z is no letter of the formula: there are x, A"),
        ("xᵀ x", {"assume": {"A": "symmetric"}}, "A is no letter of the formula: there are x"),
        ("A B", {"shapes": {"A": (2, 3), "B": (4, 2)}}, "3 ≠ 4"),
        ("log(−xᵀ x)", {}, "J is not finite at any values"),
        ("x = 2 > 1", {}, "is a statement"),
        ("", {}, "the formula ends"),
        ("xᵀ A x", {"assume": {"A": "round"}}, "A 'round': there are positive, symmetric"),
        ("A x", {"order": 2}, "J .* is not a scalar: second derivatives are of scalars"),
        ("xᵀ x", {"order": 3}, "order=3"),
    ],
)
def test_what_is_refused(text, options, message):
    with pytest.raises(ValueError, match=message):
        _ = ag.derive(text, **options).forms


def test_the_benchmark_judges(capsys):
    from benchmarks import closed_forms
    from benchmarks.known_derivatives import Known

    good = closed_forms.ours(NINE[0])
    assert good.right
    assert good.short
    wrong = Known("1/2 xᵀ A x", "x", "A x", lambda A, x: A @ x)
    assert not closed_forms.ours(wrong).right
    assert closed_forms.sympys(NINE[0]).right
    long = Known("xᵀ x", "x", "x", lambda x: 2 * x)
    assert (closed_forms.ours(long).right, closed_forms.ours(long).short) == (True, False)
    assert "1 of 2 right    1 as short" in closed_forms.report("x", [good, "no"])


def test_the_command(capsys):
    assert command.main(["derive", "tr(A Xᵀ B X C)", "--wrt", "X"]) == 0
    assert capsys.readouterr().out.endswith("\n∂J/∂X = B X C A + Bᵀ X Aᵀ Cᵀ\n")
    assert command.main(["derive", "tr(A Xᵀ B X C)", "--wrt", "X", "--latex"]) == 0
    assert capsys.readouterr().out == "B X C A + B^{\\top} X A^{\\top} C^{\\top}\n"
    hessian = ["derive", "‖X w − y‖²", "--wrt", "w", "--hessian", "--shape", "X=m,n"]
    assert command.main([*hessian, "--numpy"]) == 0
    assert "def hessian(X):\n    return 2 * (X.T @ X)\n" in capsys.readouterr().out
    assert command.main(["derive", "xᵀ A x", "--wrt", "x", "--assume", "A=symmetric"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "∂J/∂x = 2 A x"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xᵀ A x", "--wrt", "z"], "z is no letter of the formula"),
        (["xᵀ A (x"], "should follow"),
        (["x", "--shape", "x"], "'x' is not written as --shape X=m,n"),
        (["xᵀ x", "--shape", "x=0²"], "a size is a number, a letter, or n + 1"),
        (["--wrt", "W1"], "belong to a formula"),
        (["--torch"], "--torch, --jax belong to a formula"),
    ],
)
def test_the_command_says_what_is_wrong(capsys, arguments, message):
    assert command.main(["derive", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
