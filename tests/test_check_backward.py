"""`ag.check_backward`: course-like code as it is written, judged by central differences."""

from __future__ import annotations

import copy
import functools
import json
import threading
import types

import course_code
import numpy as np
import pytest
from builders import normal
from course_code import EXAMPLES, LABELS

import autograd_lite as ag
from autograd_lite.diagnosis.arguments import at
from autograd_lite.diagnosis.hand_written import HandWritten

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
    J = np.sum(x * x).item()
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
