"""Document 002: its procedure, run."""

from nn import documents
from nn.documents import document_002 as module


def test_procedure_by_hand_and_by_the_tape():
    run = module.run(rng=1, updates=60)
    assert run.updates == 60
    assert run.agrees
    assert run.loss[1] < run.loss[0]


def test_chain_without_its_factor_conforms_for_equal_widths():
    (found,) = (r for r in documents.check("002", rng=1, networks=14) if r.label == "chain b^1")
    assert "wrong" in found.shapes
    assert "nonconforming" in found.shapes
