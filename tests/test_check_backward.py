"""`ag.check_backward`: course-like code as it is written, judged by central differences."""

from __future__ import annotations

import json

import numpy as np
import pytest
from builders import normal

import autograd_lite as ag


def affine_forward(x, w, b):
    out = np.zeros((x.shape[0], w.shape[1]))
    for i in range(x.shape[0]):
        out[i] = x[i].reshape(-1).dot(w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = dout.dot(w.T).reshape(x.shape)
    return dx, x.reshape(len(x), -1).T.dot(dout), dout.sum(axis=0)


AFFINE = normal(4, 2, 3), normal(6, 5), normal(5)


def test_a_right_layer_agrees():
    report = ag.check_backward(affine_forward, affine_backward, AFFINE)
    assert report
    assert {e.label for e in report} == {"x", "w", "b"}
    report.raise_if_wrong()
    assert report.score() == 1


def test_a_wrong_gradient_is_named_and_the_rest_agrees():
    def wrong(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, -dw, db

    report = ag.check_backward(affine_forward, wrong, AFFINE)
    assert not report
    assert report["w"].findings[0].kind == "sign"
    assert report["x"].verdict == report["b"].verdict == "agrees"
    assert report.score() == 2 / 3
    with pytest.raises(ag.GradientError, match="sign at w"):
        report.raise_if_wrong()
    told = json.loads(report.to_json())
    assert (told["ok"], told["score"]) == (False, 2 / 3)
    assert {e["name"]: e["verdict"] for e in told["entries"]}["w"] == "differs"
