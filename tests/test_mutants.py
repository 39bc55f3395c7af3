"""The mutants themselves: what is broken, where, and that a test that fails is seen to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import mutants

CHANGES = [
    ("y = a + b", "y = a - b", "sign"),
    ("y = (a) * (b)", "y = (a) / (b)", "sign"),
    ("y = -a", "y = a", "sign"),
    ("y = a < b", "y = a <= b", "comparison"),
    ("y = a is b", "y = a is not b", "comparison"),
    ("y = a and b", "y = a or b", "comparison"),
    ("y = f(a, axis=k)", "y = f(a, axis=0)", "axis"),
    ("y = f(a, ddof=k)", "y = f(a, )", "keyword"),
    ("y = f(allow=False)", "y = f(allow=True)", "constant"),
    ("y = a[1]", "y = a[2]", "off by one"),
    ("y = 1e-12", "y = 1e-10", "tolerance"),
    ("y = a.copy()", "y = a", "missing copy"),
    ("y = np.array(a)", "y = a", "missing copy"),
    ("y = sorted(a)", "y = list(a)", "order"),
    ("a.cache = b", "pass", "not renewed"),
    ("a.clear()", "pass", "not renewed"),
]


@pytest.mark.parametrize(("text", "broken", "kind"), CHANGES, ids=[c[0] for c in CHANGES])
def test_each_kind_of_change_is_made(text: str, broken: str, kind: str) -> None:
    found = [(m.apply(text + "\n").strip(), m.kind) for m in mutants.found("m.py", text + "\n")]
    assert (broken, kind) in found


@pytest.mark.parametrize("text", ["def f(a: T[1]): pass", "raise E(f'{a + b}', a - b)", "'-1'"])
def test_annotations_and_texts_are_left_alone(text: str) -> None:
    assert not list(mutants.found("m.py", text + "\n"))


def test_a_sample_takes_from_every_module_and_is_drawn_again_from_its_seed() -> None:
    modules = dict.fromkeys(("one.py", "two.py"), "y = a + b\nz = a < b\n" * 9)
    drawn = mutants.sample(modules, 8, seed=1)
    assert drawn == mutants.sample(modules, 8, seed=1) != mutants.sample(modules, 8, seed=2)
    assert [m.module for m in drawn].count("one.py") == 4
    assert {m.kind for m in drawn} == {"sign", "comparison"}


@pytest.mark.parametrize("module", sorted({module for module, _, _ in mutants.EXPLAINED}))
def test_what_is_explained_can_still_be_made(module: str) -> None:
    text = (mutants.ROOT / module).read_text()
    made = {(module, *mutant.lines(text)) for mutant in mutants.found(module, text)}
    assert {key for key in mutants.EXPLAINED if key[0] == module} <= made


@pytest.mark.long
def test_a_mutant_survives_where_no_test_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def twice(a):\n    return a + a\n\n\ndef half(a):\n    return a / 2\n"
    (tmp_path / "m.py").write_text(text)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_m.py").write_text(
        "from m import twice\n\n\ndef test_twice():\n    assert twice(3) == 6\n"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    monkeypatch.setattr(mutants, "TESTS", {"m.py": ("test_m",)})
    assert mutants.run_tests("m.py", tmp_path)
    alive = [m.kind for m in mutants.found("m.py", text) if mutants.survives(m, text, tmp_path, 60)]
    assert alive == ["sign", "off by one"]  # both in half, which nothing tests
    assert (tmp_path / "m.py").read_text() == text
