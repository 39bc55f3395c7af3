"""How often the wrong line of a backward pass is found and repaired, and at what cost.

    python -m benchmarks.repair [--cases 150 | --all] [--rng 0] [--json FILE] [--misses 20]

On the layers and losses of `benchmarks.course`, each fault of one token (`benchmarks.faults`) is
made in a copy of the file. A case counts as *located* if the first line that is named is that of
the fault, and as *repaired* if the file with the repair in it is right on arguments that the search
did not see. Faults after which nothing is wrong are no cases. Exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.diagnosis.own_code import called_names
from autograd_lite.diagnosis.repair import Repairer, Sample
from benchmarks.course import EXAMPLES, Example
from benchmarks.faults import KINDS, Fault, faults


def flat(v: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    if isinstance(v, dict):
        return {p: x for k, u in v.items() for p, x in flat(u, (*path, k)).items()}
    if isinstance(v, (tuple, list)):
        return {p: x for k, u in enumerate(v) for p, x in flat(u, (*path, k)).items()}
    return {path: v}


def load(path: Path):
    name = f"course_{path.stem}_{abs(hash(str(path)))}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


import contextlib

import autograd_lite as ag
from autograd_lite.diagnosis.own_code import OwnCode
from autograd_lite.graph import steps


def known_gradients(e, module, args, dout):
    f = getattr(module, e.forward or e.backward)
    named = defaultdict(list)
    code = OwnCode(f)
    writes = {s.number: s.sets for s in code.statements}
    tuples = {}

    def see(n, v, variables):
        vs = [(writes[n], v)] if writes[n] else []
        for name, t in vs:
            if isinstance(t, ag.Tensor):
                named[name].append(t)
        return v

    try:
        tensors = [
            ag.Tensor(a, requires_grad=True)
            if isinstance(a, np.ndarray) and a.dtype.kind == "f"
            else a
            for a in args
        ]
        out, _ = code.watched(see)(*tensors)
        for n, t in zip(inspect.signature(f).parameters, tensors):
            if isinstance(t, ag.Tensor):
                named[n].append(t)
        J = np.sum(out * dout) if dout is not None else out
        known = defaultdict(list)
        leaves = [t for t in tensors if isinstance(t, ag.Tensor)]
        rec = steps(J, leaves)
        for n, ts in named.items():
            for t in ts:
                with contextlib.suppress(KeyError):
                    s = rec.step(t)
                    if s.number in rec.gradients:
                        known[n].append(rec.gradients[s.number].value)
                    for (o, k), c in rec.contributions.items():
                        if rec[o].inputs[k] is s:
                            known[n].append(c.value)
        return dict(known)
    except Exception as err:
        return {}


def sample_of(e: Example, right, rng, tape=False) -> Sample:
    args = e.draw(rng)
    known = {}
    if e.forward:
        out, cache = getattr(right, e.forward)(*args)
        dout = rng.normal(size=out.shape)
        arguments = (dout, cache)
    else:
        arguments, dout = args, None
    import copy

    want = flat(getattr(right, e.backward)(*copy.deepcopy(arguments)))
    if tape:
        known = known_gradients(e, right, args, dout)

    def judge(returned):
        got = flat(returned)
        return {p: p in got and same(got[p], w) for p, w in want.items()}

    return Sample(arguments, judge, known)


def same(a, b):
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, 1e-7, 1e-10))


def final_shapes(function, arguments) -> dict[str, Any]:
    found = {}

    def tracer(frame, event, arg):
        if frame.f_code is function.__code__:

            def local(frame, event, arg):
                if event == "return":
                    for k, v in frame.f_locals.items():
                        if isinstance(v, (np.ndarray, int, float, np.generic)):
                            found[k] = (np.shape(v), np.asarray(v).dtype.kind)
                return local

            return local

    import copy

    arguments = copy.deepcopy(arguments)
    sys.settrace(tracer)
    try:
        function(*arguments)
    finally:
        sys.settrace(None)
    return found


@dataclass
class Outcome:
    layer: str
    backward: str
    kind: str
    line: int
    wrong: str
    located: bool
    repaired: bool
    raises: bool
    seconds: float
    runs: int
    said: str


def all_faults() -> list[tuple[Example, Fault]]:
    found = []
    for e in EXAMPLES:
        path = Path(e.module.__file__)
        text = path.read_text()
        s = sample_of(e, e.module, np.random.default_rng(1))
        shapes = final_shapes(getattr(e.module, e.backward), s.arguments)
        seen = {text}
        for f in faults(text, e.backward, shapes):
            if f.text not in seen:
                seen.add(f.text)
                found.append((e, f))
    return found


def run(e: Example, fault: Fault, folder: Path, seed: int) -> Outcome | None:
    rng = np.random.default_rng(seed)
    path = folder / f"{e.backward}_{abs(hash(fault.text))}.py"
    path.write_text(fault.text)
    wrong = load(path)
    samples = [sample_of(e, e.module, rng, tape=k == 0) for k in range(4)]
    f = getattr(wrong, e.backward)
    import copy

    with np.errstate(all="ignore"):
        try:
            verdict = samples[0].judge(f(*copy.deepcopy(samples[0].arguments)))
            raises = False
            if e.forward is None and not verdict[(0,)]:
                return None
            if all(verdict.values()):
                return None
        except Exception:
            raises = True
    without = called_names(getattr(wrong, e.forward)) if e.forward else frozenset()
    start = time.perf_counter()
    r = Repairer(f, samples, time.monotonic() + 10, without)
    repair = r.repair()
    located = r.located()
    seconds = time.perf_counter() - start
    line = repair.lines[0] if repair else located.line if located else 0
    ok = False
    if repair:
        fixed = folder / f"fixed_{path.name}"
        fixed.write_text(repair.source)
        again = load(fixed)
        ok = True
        for k in range(3):
            s = sample_of(e, e.module, np.random.default_rng(seed + 1000 + k))
            with np.errstate(all="ignore"):
                try:
                    ok &= all(s.judge(getattr(again, e.backward)(*s.arguments)).values())
                except Exception:
                    ok = False
    return Outcome(
        e.layer,
        e.backward,
        fault.kind,
        fault.lines[0],
        fault.wrong,
        fault.lines[0] <= line <= fault.lines[1],
        ok,
        raises,
        seconds,
        r.runs,
        (str(repair) if repair else "") + (f" [first wrong {located.line}]" if located else ""),
    )


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cases", type=int, default=150)
    p.add_argument("--all", action="store_true")
    p.add_argument("--rng", type=int, default=0)
    p.add_argument("--misses", type=int, default=20)
    p.add_argument("--only")
    o = p.parse_args()
    everything = all_faults()
    rng = np.random.default_rng(o.rng)
    if o.only:
        everything = [x for x in everything if o.only in x[0].backward]
    if not o.all:
        everything = [everything[i] for i in rng.permutation(len(everything))[: o.cases]]
    print(len(everything), "faults")
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for k, (e, f) in enumerate(everything):
            got = run(e, f, Path(folder), k)
            if got:
                outcomes.append(got)
    for title, key in (
        ("kind", lambda x: x.kind),
        ("layer", lambda x: x.layer),
        ("raises", lambda x: x.raises),
        ("all", lambda x: ""),
    ):
        groups = defaultdict(list)
        for x in outcomes:
            groups[key(x)].append(x)
        for name, xs in groups.items():
            n = len(xs)
            print(
                f"{title:8} {name!s:22} {n:5} located {sum(x.located for x in xs) / n:6.1%} repaired {sum(x.repaired for x in xs) / n:6.1%} median {statistics.median(x.seconds for x in xs):.2f} s  max {max(x.seconds for x in xs):.2f} runs {statistics.median(x.runs for x in xs)}"
            )
    misses = [x for x in outcomes if not (x.located and x.repaired)]
    for x in misses[: o.misses]:
        print(
            "----",
            x.backward,
            x.kind,
            "located" if x.located else "NOT LOCATED",
            "repaired" if x.repaired else "NOT REPAIRED",
            "raises" if x.raises else "",
            f"{x.seconds:.1f}s",
        )
        print(x.line, x.wrong)
        print(x.said)


if __name__ == "__main__":
    main()
