"""`ag.check_backward`: course-like code as it is written, judged by central differences."""

from __future__ import annotations

import copy
import functools
import html
import json
import os
import threading
import types

import course_code
import numpy as np
import pytest
from builders import normal
from course_code import EXAMPLES, LABELS

import autograd_lite as ag
from autograd_lite import errors
from autograd_lite.diagnosis.arguments import at
from autograd_lite.diagnosis.hand_written import HandWritten
from autograd_lite.diagnosis.stand_in import ON_TENSORS, is_users

each_example = pytest.mark.parametrize("name", EXAMPLES)


def numeric(code, plain, name, h=1e-6):
    """The gradient of the cost with respect to an argument by central differences, on arrays."""

    def cost(moved):
        np.random.seed(0)
        returned = moved.given_to(code.forward, lambda _, x: copy.deepcopy(x))
        if code.backward is None:
            return float(returned[0])
        outputs = returned[: len(plain.outputs)]
        return sum(np.sum(y * d) for y, d in zip(outputs, plain.douts, strict=True))

    moved = copy.copy(code.arguments)
    moved.by_parameter = copy.deepcopy(moved.by_parameter)  # (an object's own are moved in place)
    x = at({**moved.state, **moved.by_parameter}, moved.paths[name])
    result = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        here = x[i]
        x[i] = here + h
        above = cost(moved)
        x[i] = here - h
        result[i] = (above - cost(moved)) / (2 * h)
        x[i] = here
    return result


@each_example
def test_right_code_agrees_and_differences_agree_with_it(name):
    forward, backward, args = EXAMPLES[name]
    report = ag.check_backward(forward, backward, args)
    assert report, str(report)
    assert report.score() == 1
    code = HandWritten(forward, backward, args)
    plain = code.on_arrays()
    for entry in report:
        right = numeric(code, plain, entry.label)
        np.testing.assert_allclose(entry.given, right, rtol=1e-5, atol=1e-6)


def with_change(gradients, names, name, change):
    """The gradients as they were returned, that of one name changed."""
    if isinstance(gradients, dict):
        return {k: change(g) if k.removeprefix("d") == name else g for k, g in gradients.items()}
    if not isinstance(gradients, tuple):
        return change(gradients)
    return tuple(change(g) if n == name else g for n, g in zip(names, gradients, strict=False))


@each_example
@pytest.mark.parametrize("change", [lambda g: -g, lambda g: g * 1.01, lambda g: g + 1e-3])
def test_a_changed_gradient_differs_and_no_other(name, change):
    forward, backward, args = EXAMPLES[name]
    if isinstance(forward, types.MethodType):
        pytest.skip("a function around a method is none")
    names = list(HandWritten(forward, backward, args).arguments.paths)
    changed = ag.check_backward(forward, backward, args)[-1].label

    @functools.wraps(forward)
    def cost(*given):
        J, gradients = forward(*given)
        return J, with_change(gradients, names, changed, change)

    def wrong(*given):
        return with_change(backward(*given), names, changed, change)

    functions = (forward, wrong) if backward else (cost, None)
    report = ag.check_backward(*functions, args, seconds=0)
    assert [e.label for e in report if e.verdict != "agrees"] == [changed]
    assert report.score() == (len(report) - 1) / len(report)


# What is given back


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


AFFINE = normal(4, 3), normal(3, 5), normal(5)


@pytest.mark.parametrize("rng", range(3))
def test_arguments_that_the_same_number_draws_do_not_arrive_as_dout(rng):
    def normalize(x):
        n = (x - x.mean(axis=0)) / x.std(axis=0)
        return n, n

    def not_divided(dout, n):  # right where dout is x: both are 0 there
        return dout - dout.mean(axis=0) - n * np.mean(dout * n, axis=0)

    x = np.random.default_rng(rng).normal(size=(9, 2))
    assert not ag.check_backward(normalize, not_divided, (x,), rng=rng, seconds=0)


def test_the_report_as_a_test_a_score_json_and_a_table():
    def wrong(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, -dw, db

    report = ag.check_backward(affine_forward, wrong, AFFINE)
    assert not report
    assert report["w"].findings[0].kind == "sign"
    with pytest.raises(ag.GradientError, match="sign at w"):
        report.raise_if_wrong()
    told = json.loads(report.to_json())
    assert (told["ok"], told["score"], told["text"]) == (False, 2 / 3, str(report))
    by_name = {entry["name"]: entry for entry in told["entries"]}
    assert by_name["w"]["verdict"] == "differs"
    assert by_name["w"]["findings"][0]["kind"] == "sign"
    assert by_name["x"] == {**by_name["x"], "verdict": "agrees", "shape": [4, 3], "findings": []}
    assert "sign at w" in report._repr_html_()


@pytest.mark.parametrize(
    ("gradients", "verdicts"),
    [
        (lambda dx, dw, db: {"dx": dx, "w": dw}, {"x": "agrees", "w": "agrees"}),
        (lambda dx, dw, db: [dx, None, db], {"x": "agrees", "b": "agrees", "w": "missing"}),
        (lambda dx, dw, db: (dx, dw), {"x": "agrees", "w": "agrees"}),
        (lambda dx, dw, db: dw, {"w": "agrees"}),
        (lambda dx, dw, db: (dx, dw, db[None]), {"x": "agrees", "w": "agrees", "b": "shape"}),
        (lambda dx, dw, db: (dx, dw, db * np.nan), {"x": "agrees", "w": "agrees", "b": "differs"}),
    ],
)
def test_whose_gradients_these_are(gradients, verdicts):
    backward = lambda dout, cache: gradients(*affine_backward(dout, cache))
    report = ag.check_backward(affine_forward, backward, AFFINE)
    assert {entry.label: entry.verdict for entry in report} == verdicts
    assert report.score() == np.mean([v == "agrees" for v in verdicts.values()])


@pytest.mark.parametrize("other", [2, True, "rows", [0, 1], {"rate": 3}, np.arange(3), None])
def test_none_stands_for_the_gradient_of_what_has_none(other):
    forward = lambda x, other, w: (x @ w, (x, w))
    backward = lambda dout, cache: (dout @ cache[1].T, None, cache[0].T @ dout)
    args = normal(4, 3), other, normal(3, 2, seed=1)
    assert ag.check_backward(forward, backward, args)
    wrong = lambda dout, cache: (dout @ cache[1].T, dout, cache[0].T @ dout)
    with pytest.raises(TypeError, match="<lambda> returned a gradient of other, .* None for"):
        ag.check_backward(forward, wrong, args)


def test_lists_of_gradients_belong_to_lists_of_arrays():
    """Also where as many arrays stand among the arguments by themselves."""

    def cost(biases, weights, x, y):
        a = np.tanh(weights[0] @ x + biases[0])
        r = weights[1] @ a + biases[1] - y
        dz = (weights[1].T @ r) * (1 - a**2)
        return np.sum(r**2) / 2, ([dz, r], [dz @ x.T, r @ a.T])

    sizes = ((4, 1), (2, 1)), ((4, 3), (2, 4))
    biases, weights = ([normal(*s, seed=k) for k, s in enumerate(many)] for many in sizes)
    x, y = normal(3, 1), normal(2, 1)
    report = ag.check_backward(cost, args=(biases, weights, x, y))
    assert {e.label for e in report} == {"biases[0]", "biases[1]", "weights[0]", "weights[1]"}
    assert report

    class Network:
        def __init__(self):
            self.biases, self.weights = biases, weights

        def cost(self, x, y):
            J, (db, dw) = cost(self.biases, self.weights, x, y)
            return J, {"biases": db, "weights": dw}

    assert ag.check_backward(Network().cost, args=(x, y))


def test_wrt_says_whose_they_are():
    def squares(a, b):
        return np.sum(a * b), (a, b)

    args = normal(3), normal(2, 3)[1]
    report = ag.check_backward(squares, args=args, wrt=["b", "a"])
    assert report
    assert not ag.check_backward(squares, args=args)


def test_a_number_has_a_gradient_where_one_is_named():
    def line(w, x, offset):
        residual = x @ w + offset - 1.0
        return 0.5 * residual @ residual, {"dw": x.T @ residual, "doffset": residual.sum()}

    report = ag.check_backward(line, args=(normal(3), normal(4, 3), 0.5))
    assert {e.label for e in report} == {"w", "offset"}
    assert report


def test_nested_arguments_and_names():
    def cost(layers, x):
        a = np.tanh(x @ layers[0]["W"])
        y = a @ layers[1]["W"]
        da = y @ layers[1]["W"].T * (1 - a * a)
        return 0.5 * np.sum(y * y), [{"W": x.T @ da}, {"W": a.T @ y}]

    report = ag.check_backward(
        cost, args=([{"W": normal(3, 4)}, {"W": normal(4, 2)}], normal(5, 3))
    )
    assert {e.label for e in report} == {"layers[0].W", "layers[1].W"}
    assert report


def test_a_parameter_that_was_left_out_is_missing():
    def cost(params, X):
        residual = X @ params["W"] + params["b"]
        return 0.5 * np.sum(residual**2), {"W": X.T @ residual}

    args = ({"W": normal(3, 2), "b": normal(2), "unused": normal(2)}, normal(4, 3))
    report = ag.check_backward(cost, args=args)
    assert {e.label: e.verdict for e in report} == {"W": "agrees", "b": "missing"}
    assert "no gradient of b" in str(report)
    assert report.score() == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_either_precision(dtype):
    args = [x.astype(dtype) for x in AFFINE]
    report = ag.check_backward(affine_forward, affine_backward, args)
    assert report
    assert {e.given.dtype for e in report} == {np.dtype(dtype)}


def test_a_reference_says_what_is_right():
    def of_a_pupil(inputs, weights, bias):
        return inputs @ weights + bias, (inputs, weights)

    check = functools.partial(ag.check_backward, args=AFFINE, reference=affine_forward)
    report = check(of_a_pupil, affine_backward)
    assert {e.label for e in report} == {"x", "w", "b"}
    assert report
    other = lambda x, w, b: (x @ w - b, (x, w))
    with pytest.raises(ValueError, match="<lambda> gives other numbers than the reference"):
        check(other, affine_backward)


def copied(x):
    ones, three, both = np.copy([1.0, 1.0, 1.0]), np.copy(3.0), np.copy([x[0], x[2]])
    ones[1] = x[1]
    return np.sum(ones * x) * three + np.sum(both * both), None


def test_copies_of_lists_and_numbers():
    def backward(dout, cache):
        return dout * (3 * np.array([1, 2 * X[1], 1]) + 2 * np.array([X[0], 0, X[2]]))

    assert ag.check_backward(copied, backward, (X,))


@pytest.mark.parametrize(
    "x",
    [3.0, 3, True, [1.0, 2.0], [[1, 2], [3, 4]], (1.0,), [], "text", np.arange(3), np.ones((2, 3))],
    ids=repr,
)
@pytest.mark.parametrize("order", ["K", "F"])
def test_a_copy_is_what_numpy_makes(x, order):
    found, right = ON_TENSORS[id(np.copy)](x, order=order), np.copy(x, order=order)
    data = found.data if isinstance(found, ag.Tensor) else found
    assert (data.dtype, data.shape) == (right.dtype, right.shape)
    np.testing.assert_array_equal(data, right)
    assert not np.shares_memory(data, x)


@pytest.mark.parametrize("join", [np.r_, np.c_], ids=["r_", "c_"])
@pytest.mark.parametrize(
    "parts",
    [
        lambda x: (x, [4.0, 5.0, 6.0]),
        lambda x: (slice(0, 3), -x),
        lambda x: ([x[0], 2.0, x[1]], x),
        lambda x: (x[:, None] * x, np.ones((3, 3))),
        lambda x: x,
    ],
)
def test_arrays_are_joined_as_numpy_does(join, parts):
    x, stand_in = ag.Tensor(normal(3), requires_grad=True), ON_TENSORS[id(join)]
    found, right = stand_in[parts(x)], join[parts(x.data)]
    np.testing.assert_array_equal(found.data, right, strict=True)
    weights, steps = normal(*right.shape, seed=1), 1e-6 * np.eye(3)
    joined = [join[parts(x.data + h)] - join[parts(x.data - h)] for h in steps]
    slopes = [np.sum(weights * change) / 2e-6 for change in joined]
    np.testing.assert_allclose(ag.gradients(np.sum(weights * found), [x])[0], slopes, rtol=1e-6)
    assert isinstance(stand_in[1.0, 2.0], ag.Tensor), "it may be assigned to, like what zeros makes"


def test_columns_that_a_function_joins():
    forward = lambda x, w: (np.c_[np.ones(len(x)), x] @ w, (x, w))
    backward = lambda dout, cache: (
        np.outer(dout, cache[1][1:]),
        np.c_[np.ones(5), cache[0]].T @ dout,
    )
    assert ag.check_backward(forward, backward, (normal(5, 2), normal(3, seed=1)))


OWN, NUMPY, PYTHON = (os.path.dirname(module.__file__) for module in (ag, np, os))


@pytest.mark.parametrize(
    ("file", "own", "users"),
    [
        (f"{OWN}/tensor.py", True, False),
        (f"{OWN}/diagnosis/report.py", True, False),
        (f"{OWN}_x/mine.py", False, True),
        (f"{OWN}.py", False, True),
        (f"{NUMPY}/linalg/__init__.py", False, False),
        (f"{NUMPY}_x/mine.py", False, True),
        (f"{PYTHON}/random.py", False, False),
        (f"{PYTHON}_x/mine.py", False, True),
    ],
)
def test_whose_a_file_is(file, own, users):
    assert (errors.is_own(file), is_users(file)) == (own, users)


REFERENCE = (affine_forward, affine_backward)


@pytest.mark.parametrize(
    ("reference", "gradients", "verdicts", "notes"),
    [
        (REFERENCE, lambda dx, dw, db: (dx, dw, db), "agrees agrees agrees", []),
        (REFERENCE, lambda dx, dw, db: {"x": dx, "dw": dw}, "agrees agrees missing", []),
        (REFERENCE, lambda dx, dw, db: {"b": -db}, "missing missing differs", []),
        (REFERENCE, lambda dx, dw, db: (dx, dw), "agrees agrees missing", ["taken for x, w"]),
        (REFERENCE, lambda dx, dw, db: (dx, None, db), "agrees missing agrees", ["taken for x, b"]),
        (
            (affine_forward, lambda *given: {"dw": affine_backward(*given)[1]}),
            lambda dx, dw, db: {"dx": dx, "dw": dw},
            "agrees agrees -",
            ["not compared: b"],
        ),
        *(
            (reference, lambda dx, dw, db: dw, "- agrees -", ["taken for w", "not compared: x, b"])
            for reference in (None, affine_forward)
        ),
        (None, lambda dx, dw, db: {"x": dx}, "agrees - -", ["not compared: w, b"]),
    ],
)
def test_gradients_that_are_left_out(reference, gradients, verdicts, notes):
    backward = lambda dout, cache: gradients(*affine_backward(dout, cache))
    report = ag.check_backward(affine_forward, backward, AFFINE, reference=reference, seconds=0)
    found = {entry.label: entry.verdict for entry in report}
    assert [found.get(name, "-") for name in ("x", "w", "b")] == verdicts.split()
    assert report.score() == np.mean([verdict == "agrees" for verdict in found.values()])
    start = "what <lambda> returned was taken for the gradients of "
    assert report.notes == [note.replace("taken for ", start) for note in notes]
    assert all(note in str(report) for note in report.notes)
    assert all(html.escape(note) in report._repr_html_() for note in report.notes)
    assert json.loads(report.to_json())["notes"] == report.notes


def test_a_reference_that_is_a_cost_asks_for_its_gradients():
    def cost(W, b, X):
        residual = X @ W + b
        return 0.5 * np.sum(residual**2), {"W": X.T @ residual, "b": residual.sum(axis=0)}

    def of_a_pupil(W, b, X):
        J, gradients = cost(W, b, X)
        return J, {"W": gradients["W"]}

    args = normal(3, 2), normal(2), normal(4, 3)
    report = ag.check_backward(of_a_pupil, args=iter(args), reference=cost)
    assert {e.label: e.verdict for e in report} == {"W": "agrees", "b": "missing"}
    assert report.score() == 0.5
    report = ag.check_backward(
        of_a_pupil, args=args, reference=lambda W, b, X: (cost(W, b, X)[0], None)
    )
    assert {e.label: e.verdict for e in report} == {"W": "agrees"}
    assert report.notes == ["not compared: b, X"]


# Nothing is changed


def test_arguments_random_numbers_and_the_module_stay_as_they_are():
    forward, backward, args = EXAMPLES["batch normalization"]
    before, random = copy.deepcopy(args), np.random.get_state()
    globals_before = dict(vars(course_code))
    ag.check_backward(forward, backward, args)
    np.testing.assert_equal(args, before)
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), random, strict=True))
    assert vars(course_code) == globals_before
    assert isinstance(np.zeros(2), np.ndarray)


SEEN = []


def noted_forward(x):
    SEEN.append(type(x).__name__)
    return x * 2, None


def test_a_function_that_fails_leaves_nothing_behind():
    def fails(x):
        np.random.rand()
        raise ZeroDivisionError("of the user's own")

    state = np.random.get_state()[1].copy()
    with pytest.raises(ZeroDivisionError, match="user's own"):
        ag.check_backward(fails, affine_backward, (normal(3),))
    assert (np.random.get_state()[1] == state).all()


def test_other_threads_run_the_same_functions_meanwhile():
    forward, backward, args = EXAMPLES["convolution"]
    found, right = [], forward(*args)[0]

    def run():
        for _ in range(5):
            found.append(type(forward(*args)[0]) is np.ndarray)
            found.append(np.array_equal(forward(*args)[0], right))

    def check():
        found.append(bool(ag.check_backward(forward, backward, args)))

    threads = [threading.Thread(target=f) for f in (run, check, run, check)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found)
    assert len(found) == 22


def test_what_is_printed_is_printed_once(capsys):
    ag.check_backward(*EXAMPLES["svm with loops"])
    assert capsys.readouterr().out.count("loss") == 1


def test_an_object_keeps_no_tensors():
    layer = course_code.Dense(normal(4, 3))
    assert ag.check_backward(layer.loss, args=(normal(5, 4), normal(5, 3)))
    assert type(layer.W) is type(layer.params["b"]) is type(layer.x) is np.ndarray
    assert ag.check_backward(layer.forward, layer.backward, (normal(5, 4),))


# What is wrong with what was given


def no_cache(x):
    return x * 2


def nothing(x):
    pass


def cost_alone(x):
    return np.sum(x * x)


def of_no_number(x):
    return x, x


def cut(x):
    J = np.float64(np.sum(x * x))
    return J, 2 * x


def three(dout, cache):
    return dout, dout, dout


def random_generator(x):
    return x * course_code.np.random.default_rng().random(), None


def infinite(x):
    return x / 0.0 * np.inf, None


def double(dout, cache):
    return 2 * dout


def keeps_count(x):
    SEEN.append(1)
    return x * len(SEEN), None


def filled(x):
    out = FILLED
    out[0] = x[0]
    return out * 1.0, None


FILLED = np.zeros(3)
X = normal(3)


@pytest.mark.parametrize(
    ("functions", "args", "error", "said"),
    [
        ((no_cache, double), (X,), TypeError, "no_cache returned an array .* the cache is missing"),
        ((nothing, double), (X,), TypeError, "nothing returned None as its output"),
        ((cost_alone,), (X,), TypeError, "It should return the cost and its gradients: J, grads"),
        ((of_no_number,), (X,), TypeError, r"returned an array \(3,\) .* the cost, one number"),
        ((cut,), (X,), ValueError, "what cut returns does not depend on its float arrays"),
        ((noted_forward, three), (X,), TypeError, "three returned 3 gradients, but the float arr"),
        ((noted_forward, double), (np.arange(3),), TypeError, "no float array .*astype"),
        ((noted_forward, double), (X, X), TypeError, "args do not fit noted_forward: too many"),
        ((noted_forward, double), {"y": X}, TypeError, "args do not fit .* missing"),
        ((noted_forward, lambda dout, cache: None), (X,), TypeError, "returned None as the grad"),
        ((noted_forward, lambda dout, cache: {"z": dout}), (X,), KeyError, "'z'.* There are: x"),
        ((noted_forward, lambda dout, cache: {}), (X,), ValueError, "nothing to compare"),
        ((noted_forward, 3), (X,), TypeError, "backward is a function, not int"),
        ((noted_forward, double), 3, TypeError, "args are a tuple, or a dict .* not an int"),
        ((noted_forward, double), 0.5, TypeError, "args are a tuple, .* not a float"),
        ((noted_forward, double), None, TypeError, "args are a tuple, .* not None"),
        ((noted_forward, double), "x", TypeError, "args are a tuple, .* not a str"),
        ((noted_forward, double), ([1.0],), TypeError, r"a list of 1.* np.array\(x, dtype=float\)"),
        ((noted_forward, double), (0.5,), TypeError, r"x: a float.* np.array\(x, dtype=float\)"),
        ((noted_forward, double), (3,), TypeError, "x: an int"),
        ((lambda x: 3,), (X,), TypeError, "returned an int. It should return the cost"),
        *(
            ((noted_forward, lambda dout, cache, g=g: g), (X,), TypeError, f"the gradient of x {s}")
            for g, s in (
                ("abc", "is not an array of numbers, but str"),
                (["a"], "is not an array of numbers, but str"),
                ({"dx": object()}, "is not an array of numbers, but object"),
                ({"dx": [[1], [1, 2]]}, "is no array"),
                (1j * X, "is complex"),
            )
        ),
        ((random_generator, double), (X,), ValueError, "other numbers when it is run once more"),
        ((keeps_count, double), (X,), ValueError, "other numbers when it is run once more"),
        ((infinite, double), (X,), ValueError, "infinite gives nan or inf"),
        (
            (filled, double),
            (X,),
            TypeError,
            r"does not run on Tensors, at .*test_check_backward.py",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_cannot_be_compared_is_said(functions, args, error, said):
    with pytest.raises(error, match=said):
        ag.check_backward(*functions, args=args)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"wrt": "gamma"}, KeyError, "gamma is no argument of noted_forward. There are: x"),
        ({"wrt": 3}, TypeError, "wrt=3: it is a list of arguments' names"),
        ({"wrt": [3]}, TypeError, r"wrt=\[3\]: it is a list"),
        ({"wrt": ["x", "x"]}, ValueError, "stands there twice"),
        ({"rng": "a"}, TypeError, "rng is a seed, .* or a Generator, not a str"),
        ({"rng": 1.5}, TypeError, "rng is a seed, .* not a float"),
        ({"rng": -1}, ValueError, "rng=-1: as a seed it is"),
        ({"rng": 2**32}, ValueError, "rng=4294967296: as a seed it is"),
        *(
            ({"seconds": seconds}, ValueError, "seconds=.* must be a number from 0 to")
            for seconds in (None, np.inf, np.nan, 1e300, -1, "5")
        ),
        ({"reference": 3}, TypeError, "reference is a function, not int"),
        ({"reference": (double,)}, TypeError, "reference is a function, not tuple"),
    ],
)
def test_a_wrong_option_is_said(options, error, said):
    with pytest.raises(error, match=said):
        ag.check_backward(noted_forward, double, (X,), **options)


@pytest.mark.parametrize(
    "options",
    [{"wrt": "x"}, {"seconds": np.float32(1)}]
    + [{"rng": rng} for rng in (None, np.random.default_rng(0), np.int64(3), [1, 2])],
    ids=lambda options: " ".join(f"{k} {type(v).__name__}" for k, v in options.items()),
)
def test_what_may_stand_for_an_option(options):
    dropped = lambda x: (x * np.random.rand(len(x)), None)
    assert not ag.check_backward(dropped, double, (X,), **options)
    assert ag.check_backward(noted_forward, double, (X,), **options)


def test_a_generator_gives_a_seed():
    noise = []
    forward = lambda x: (noise.append(np.random.rand()), (x * 2, None))[1]
    for rng in (np.random.default_rng(0), np.random.default_rng(0), np.random.default_rng(1)):
        assert ag.check_backward(forward, double, (X,), rng=rng)
    assert noise[0] == noise[1] == noise[2] == noise[3]  # each run twice, on arrays and on Tensors
    assert noise[4] == noise[5] != noise[0]


def test_a_gradient_of_whole_numbers_is_refused():
    forward = lambda words, W: (W[words], (words, W))
    backward = lambda dout, cache: (dout, np.zeros(cache[1].shape))
    with pytest.raises(TypeError, match="a gradient of words, an array .* only float arrays have"):
        ag.check_backward(forward, backward, (LABELS, normal(3, 2)))


def test_a_function_on_tensors_cannot_reach_the_next_run():
    SEEN.clear()
    ag.check_backward(noted_forward, double, (X,))
    ag.check_backward(noted_forward, double, (X,))
    assert SEEN == ["ndarray", "Tensor"] * 2


COMPOSED = {  # as code writes them, with their derivatives, and what reports call them
    "1 / (1 + exp(−z))": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a), "sigmoid"),
    "exp z / (1 + exp z)": (
        lambda z: np.exp(z) / (1 + np.exp(z)),
        lambda z, a: a * (1 - a),
        "sigmoid",
    ),
    "2 / (1 + exp(−2 z)) − 1": (
        lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
        lambda z, a: 1 - a**2,
        "tanh",
    ),
    "log(1 + exp z)": (
        lambda z: np.log(1 + np.exp(z)),
        lambda z, a: 1 / (1 + np.exp(-z)),
        "softplus",
    ),
    "exp(−z²)": (lambda z: np.exp(-(z**2)), lambda z, a: -2 * z * a, "f"),
    "z / (1 + exp(−z))": (
        lambda z: z / (1 + np.exp(-z)),
        lambda z, a: (1 + np.exp(-z) * (1 + z)) / (1 + np.exp(-z)) ** 2,
        "f",
    ),
    "elu": (
        lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1),
        lambda z, a: np.where(z > 0, 1, a + 1),
        "f",
    ),
}


@pytest.mark.parametrize("written", COMPOSED)
@pytest.mark.parametrize(
    ("kind", "power"), [(None, 1), ("derivative-dropped", 0), ("derivative-twice", 2)]
)
def test_a_function_of_several_operations_is_one_function(written, kind, power):
    function, slope, called = COMPOSED[written]

    def forward(x, w):
        z = x @ w
        a = function(z)
        return a, (x, w, z, a)

    def backward(dout, cache):
        x, w, z, a = cache
        dz = dout * slope(z, a) ** power
        return dz @ w.T, x.T @ dz

    args = normal(5, 4, seed=1), normal(4, 3, seed=2)
    report = ag.check_backward(forward, backward, args, seconds=0)
    assert report.ok == (kind is None), str(report)
    for entry in report if kind else ():
        assert entry.best[0].kind == kind, str(report)
        assert f"{called}′(x @ w)" in entry.best[0].advice


def test_what_arrives_at_a_layer_is_no_label():
    forward = lambda x: (np.tanh(x), x)
    for backward in (lambda dout, x: np.tanh(x) - dout, lambda dout, x: np.ones_like(x)):
        report = ag.check_backward(forward, backward, (normal(4, 3),), seconds=0)
        assert "labels" not in str(report)
        assert "the loss" not in str(report)
    assert "begin with dout" in str(report)


@pytest.mark.parametrize("unused", [(), (normal(3),)])
def test_the_matrix_of_the_steps_is_told_from_that_of_the_outputs(unused):
    """Both multiply the state; gradients are clipped into their own arrays."""

    def cost(x, U, V, W, right=False, *unused):
        states, outputs = {-1: np.zeros((4, 1))}, {}
        J = 0
        for t in range(len(x)):
            states[t] = np.tanh(U @ x[t] + W @ states[t - 1])
            outputs[t] = V @ states[t]
            J += np.sum(outputs[t] ** 2) / 2
        dU, dV, dW = np.zeros_like(U), np.zeros_like(V), np.zeros_like(W)
        after = np.zeros_like(states[0])
        for t in reversed(range(len(x))):
            dV += outputs[t] @ states[t].T
            dz = (1 - states[t] ** 2) * (V.T @ outputs[t] + after)
            dU += dz @ x[t].T
            dW += dz @ states[t - 1].T
            after = (W.T if right else W) @ dz
        for gradient in (dU, dV, dW):
            np.clip(gradient, -50, 50, out=gradient)
        return J, dU, dV, dW

    args = normal(5, 2, 1), normal(4, 2, seed=1), normal(3, 4, seed=2), normal(4, 4, seed=3) / 2
    wrt = ["U", "V", "W"]
    assert ag.check_backward(cost, args=(*args, True, *unused), wrt=wrt)
    report = ag.check_backward(cost, args=(*args, False, *unused), wrt=wrt, seconds=0)
    verdicts = {entry.label: entry.verdict for entry in report}
    assert verdicts == {"U": "differs", "V": "agrees", "W": "differs"}
    assert report["W"].best[0].kind == "weight-not-transposed"
    assert report["W"].best[0].advice.startswith("W is not transposed")


def test_what_gradients_of_other_shapes_were_taken_for_is_said():
    code = lambda x, w: (np.sum(np.tanh(x @ w)), w, x)
    report = ag.check_backward(code, args=(normal(4, 3), normal(3, 2)), quick=True, seconds=0)
    assert "taken for the gradients of x, w" in report.notes[0]


def test_a_name_that_two_arrays_of_an_object_end_with():
    class Layer:
        def __init__(self):
            self.parameters = {"W": normal(3, 2)}
            self.gradients = {"W": np.zeros((3, 2))}

        def forward(self, x):
            self.x = x
            return x @ self.parameters["W"]

        def backward(self, dout):
            self.gradients["W"] = self.x.T @ dout
            return {"x": dout @ self.parameters["W"].T, self.name: self.gradients["W"]}

    layer = Layer()
    layer.name = "W"
    with pytest.raises(KeyError, match=r"that of parameters\.W or gradients\.W"):
        ag.check_backward(layer.forward, layer.backward, (normal(4, 3, seed=1),))
    layer.name = "parameters.W"
    assert ag.check_backward(layer.forward, layer.backward, (normal(4, 3, seed=1),))


class Normalized:
    """Layer normalization; if `wrong`, the scale stands outside of the sums."""

    def __init__(self, scale, wrong):
        self.scale, self.shift, self.wrong = np.full(4, scale), np.zeros(4), wrong

    def forward(self, x):
        self.inverse = 1 / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        self.normal = (x - x.mean(axis=1, keepdims=True)) * self.inverse
        return self.scale * self.normal + self.shift

    def backward(self, dout):
        g = dout if self.wrong else dout * self.scale
        means = g.mean(axis=1, keepdims=True)
        means = means + self.normal * (g * self.normal).mean(axis=1, keepdims=True)
        return self.inverse * (g - means) * (self.scale if self.wrong else 1)


def normalized(x, scale, shift, wrong):
    layer = Normalized(1.0, wrong)
    layer.scale, layer.shift = scale, shift
    return layer.forward(x), layer


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("scale", [1.0, 3.0, 0.0])
def test_an_array_of_equal_entries_hides_no_mistake(scale, wrong):
    x, layer = normal(3, 4), Normalized(scale, wrong)
    ones = np.full(4, scale), np.zeros(4), wrong
    backward = lambda dout, layer: (
        layer.backward(dout),
        (dout * layer.normal).sum(axis=0),
        dout.sum(axis=0),
    )
    for report in (
        ag.check_backward(layer.forward, layer.backward, (x,)),
        ag.check_backward(normalized, backward, (x, *ones), wrt=["x", "scale", "shift"]),
    ):
        assert report.ok
        assert any("Right on these numbers alone" in note for note in report.notes) == wrong
    assert (layer.scale == scale).all(), "the object is left as it is"


SOFTMAXES = {
    "shifted": lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
    "shifted by the largest of all": lambda z: np.exp(z - np.max(z)),
    "plain": lambda z: np.exp(z),
}
SLOPES_OF_SOFTMAX = {  # of what arrives and the result
    "": lambda g, p: p * (g - np.sum(g * p, axis=1, keepdims=True)),
    "softmax(x @ w)(1 − softmax(x @ w)) is only its diagonal": lambda g, p: g * p * (1 - p),
    "the sum over the other outputs is left out": lambda g, p: g * p,
    "without the derivative of softmax": lambda g, p: g,
    "runs along axis 0": lambda g, p: p * (g - np.sum(g * p, axis=0)),
    "runs over all entries": lambda g, p: p * (g - np.sum(g * p)),
}


@pytest.mark.parametrize("written", SOFTMAXES)
@pytest.mark.parametrize("said", SLOPES_OF_SOFTMAX)
def test_a_softmax_that_is_written_out_is_one_function(written, said):
    def forward(x, w):
        z = x @ w
        e = SOFTMAXES[written](z)
        p = e / np.sum(e, axis=1, keepdims=True)
        return p, (x, w, p)

    def backward(dout, cache):
        x, w, p = cache
        dz = SLOPES_OF_SOFTMAX[said](dout, p)
        return dz @ w.T, x.T @ dz

    args = normal(5, 3, seed=1), normal(3, 4, seed=2)
    report = ag.check_backward(forward, backward, args, seconds=0)
    assert report.ok == (not said), str(report)
    for entry in () if report.ok else report:
        assert said in entry.best[0].advice, str(report)


@pytest.mark.parametrize("written", ["sigmoid", "tanh"])
def test_a_slope_that_is_left_out_of_the_gradient_of_a_weight_alone(written):
    function, slope = {
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
        "tanh": (np.tanh, lambda a: 1 - a**2),
    }[written]

    def forward(x, w, b):
        a = function(x @ w + b)
        return a, (x, w, a)

    def backward(dout, cache):
        x, w, a = cache
        dz = dout * slope(a)
        return dz @ w.T, x.T @ dout, dz.sum(axis=0)

    args = normal(5, 3, seed=1), normal(3, 4, seed=2), normal(4, seed=3)
    report = ag.check_backward(forward, backward, args, seconds=0)
    assert [entry.label for entry in report if entry.verdict == "differs"] == ["w"]
    assert report["w"].best[0].kind == "derivative-dropped"
    assert f"it lacks {written}′((x @ w) + b)." in report["w"].best[0].advice


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda x: copy.deepcopy({"x": [x]})["x"][0], np.copy, np.array],
)
def test_a_copy_that_forward_makes_keeps_the_gradient(copied):
    forward = lambda x, w: (copied(x) @ w, (copied(x), copied(w)))
    backward = lambda dout, cache: (dout @ cache[1].T, cache[0].T @ dout)
    args = normal(4, 3), normal(3, 2, seed=1)
    assert ag.check_backward(forward, backward, args)


def test_arguments_that_forward_writes_into():
    def forward(x, w):
        x -= 1.0
        w[0] = 0.0
        return x @ w, (x, w)

    def backward(dout, cache):
        x, w = cache
        dw = x.T @ dout
        dw[0] = 0.0
        return dout @ w.T, dw

    args = normal(4, 3), normal(3, 2, seed=1)
    assert ag.check_backward(forward, backward, args)
    wrong = lambda dout, cache: (dout @ cache[1].T, cache[0].T @ dout)
    assert ag.check_backward(forward, wrong, args)["w"].verdict == "differs"


@pytest.mark.parametrize(
    ("item", "place"),
    [
        (lambda x: x[1, 2].item(), (1, 2)),
        (lambda x: x[1:, 2:].item(), (1, 2)),
        (lambda x: x.item(5), (1, 2)),
        (lambda x: x.item(0, 1), (0, 1)),
        (lambda x: x.item((0, 1)), (0, 1)),
        (lambda x: x.item(-1), (1, 2)),
    ],
)
def test_a_number_that_forward_takes_of_an_array_keeps_its_gradient(item, place):
    def cost(x, w):
        dx = np.zeros((2, 3))
        dx[place] = w[0]
        J = item(x) * w[0].item()
        print("J", "%.3f" % J, [float(J)])  # noqa: UP031
        return J, dx, np.array([item(x), 0.0])

    x, w = normal(2, 3), normal(2, seed=1)
    assert ag.check_backward(cost, args=(x, w))
    assert item(ag.Tensor(x, requires_grad=True)) == x[place], "elsewhere it is a number"
    wrong = lambda x, w: (*cost(x, w)[:2], np.zeros(2))
    assert not ag.check_backward(wrong, args=(x, w), seconds=0)


def test_of_what_only_digits_are_wrong_no_line_is_named():
    def cost(p, y):
        return -np.sum(y * np.log(p + 1e-7)), -y / p

    p, y = np.array([0.2, 0.5, 0.3]), np.array([1.0, 0.0, 2.0])
    report = ag.check_backward(cost, args=(p, y), wrt=["p"])
    assert not report
    assert report.first_wrong is None
    assert "an ε that only one of the two has" in str(report)
    assert "Hand in" not in str(report)
