"""Document 004: its procedure, run."""

import numpy as np

import nn
from nn import documents
from nn.documents import document_004 as module


def test_procedure_by_hand_and_by_the_tape():
    run = module.run(rng=1, samples=150)
    assert run.updates == 150
    assert run.agrees


def test_arg_max_by_hand_and_by_the_network():
    X, Y = nn.datasets.digits()
    X, Y = X[:, :400] / 16, Y[:, :400]
    net = nn.Network([64, 16, 10], ["sigmoid"] * 2, rng=0)
    W, b = documents.procedures.by_layer(net, first=1)
    assert list(module.train(X, Y, W, b, 0.5)) == list(range(400))
    loss = nn.losses.half_squared_error
    nn.fit(net, X, Y, loss, nn.optimizers.GradientDescent(0.5), epochs=1, batch_size=1)
    by_hand = module.classify(X, W, b)
    np.testing.assert_array_equal(by_hand, net(X).numpy().argmax(axis=0))
    assert np.mean(by_hand == Y.argmax(axis=0)) > 0.3  # a tenth would be guessing


def test_start_as_printed_leads_elsewhere():
    """With the products read as ⊙ and layers of equal widths, a′ for a runs without an error."""
    n, rng = 3, np.random.default_rng(0)
    start = ({l: rng.normal(size=(n, columns)) for l in (2, 3)} for columns in (n, 1))
    W_start, b_start = start
    x, y = rng.normal(size=(n, 1)), np.eye(n)[:, :1]
    ways = {}
    for name, first in {
        "right": lambda a, a_before: module.slope_of(a),
        "printed": lambda a, a_before: a * (1 - a_before),
    }.items():
        W, b = dict(W_start), dict(b_start)
        module.backpropagate(y, module.feedforward(x, W, b), W, b, 0.5, first=first)
        ways[name] = W[3]
    assert np.abs(ways["right"] - ways["printed"]).max() > 1e-3
