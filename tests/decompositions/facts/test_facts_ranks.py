"""Proven bounds and known ranks, per field: known answers, counts by other means, and schemes that reach them."""

import itertools
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sympy

from bilinear.decompositions import Ring, Scheme, lower_bounds, parse_target, verify
from bilinear.decompositions.evaluation import evaluated
from bilinear.decompositions.facts import known_ranks
from bilinear.decompositions.facts.group import ideals
from bilinear.decompositions.facts.orbits import components
from bilinear.decompositions.facts.polynomial import LIFTED, griesmer
from bilinear.decompositions.modular import rank as rank_modulo
from bilinear.decompositions.targets.group import multiplication_table, parse_factors

RINGS = tuple(Ring)
GUIDE = Path(__file__).parents[3] / "docs" / "targets.md"
OPTIMAL = {
    "polymul:2x2": (3, 3, 3, 3, 3, 3),
    "polymul:2x3": (5, 5, 4, 4, 5, 4),
    "polymul:3x3": (6, 6, 5, 5, 6, 6),
    "polymul:4x4": (9, 9, 7, 7, 9, 9),
    "correlation:2x3": (5, 5, 4, 4, 5, 4),
    "toeplitz:2": (3, 3, 3, 3, 3, 3),
    "cyclic:2": (3, 3, 2, 2, 3, 2),
    "negacyclic:2": (3, 3, 3, 2, 3, 3),
    "shortmul:2": (3, 3, 3, 3, 3, 3),
    "shortmul:3": (5, 5, 5, 5, 5, 5),
    "shortmul:4": (8, 8, 7, 7, 8, 8),
    "complex": (3, 3, 3, 2, 3, 3),
    "cross": (5, 5, 5, 5, 5, 5),
    "commutator:2": (5, 5, 5, 5, 5, 5),
}
"""Over zt, z, q, qi, f2 and f3: proven, and reached."""
MEMBERS = [
    *OPTIMAL,
    *(f"polymul:{m}x{n}" for m, n in itertools.product((1, 2, 5, 7, 12), (3, 6, 9, 40))),
    *(f"{family}:{n}" for family in ("cyclic", "negacyclic", "shortmul") for n in (*range(2, 13), 16, 25)),
    *("polymul:2x2^2", "correlation:4x3^2", "cyclic:3^2", "cyclic:4,6", "negacyclic:2^2", "shortmul:2^3", "cyclic:2^4"),
    *("polymod:x^4+x+1", "polymod:x^5-x^4", "polymod:x^6+x^3+1", "polymod:0,0,0,-1,3,0,1", "polymod:x^100+1"),
    *("quaternion", "octonion", "commutator:3", "commutator:4", "commutator:5", "middle:6", "hankel:8"),
    *("group:S3", "group:S4", "group:C2xC2", "group:C4xS3", "group:D4", "group:D9", "group:Q8", "group:C2xQ8"),
    *(f"structured:{kinds}-{n}x{n}x{n}" for n in (2, 3) for kinds in ("gt", "ug", "sg", "kg", "ss", "sk", "uu", "wt")),
]  # fmt: skip


@cache
def facts(name):
    target = parse_target(name)
    return lower_bounds(target), known_ranks(target)


def proven(name, ring):
    return max((bound.rank for bound in facts(name)[0] if ring in bound.rings), default=0)


def reached(name, ring):
    return min((fact.rank for fact in facts(name)[1] if ring in fact.rings), default=None)


@pytest.mark.parametrize("name", OPTIMAL)
def test_optimal_ranks(name):
    assert tuple(proven(name, ring) for ring in RINGS) == OPTIMAL[name]
    assert tuple(reached(name, ring) for ring in RINGS) == OPTIMAL[name]


@pytest.mark.parametrize(
    ("name", "ring", "bound", "rank"),
    [
        ("polymul:5x5", "f2", 13, 13),
        ("polymul:6x6", "f2", 15, 17),
        ("polymul:7x7", "z", 18, 22),
        ("polymul:8x8", "f2", 20, 26),
        ("polymul:5x5", "f3", 12, 12),
        ("polymul:3x6", "f3", 10, 10),
        ("polymul:4x8", "qi", 11, 11),
        ("cyclic:4", "f2", 8, 8),
        ("cyclic:5", "f2", 10, 10),
        ("cyclic:6", "f2", 11, 12),
        ("cyclic:7", "f2", 12, 13),
        ("cyclic:5", "f3", 10, 10),
        ("cyclic:6", "f3", 10, 10),
        ("cyclic:8", "f3", 11, 11),
        ("cyclic:4", "qi", 4, 4),
        ("cyclic:3^2", "q", 13, 13),
        ("shortmul:5", "f2", 10, 11),
        ("shortmul:5", "f3", 10, 10),
        ("shortmul:6", "z", 12, 14),
        ("quaternion", "q", 8, 8),
        ("quaternion", "zt", 8, 8),
        ("quaternion", "qi", 7, 7),
        ("quaternion", "f3", 7, 7),
        ("octonion", "q", 15, 32),
        ("group:C2xC2", "q", 4, 4),
        ("group:S3", "q", 9, 9),
        ("group:S3", "f2", 10, 10),
        ("group:D4", "q", 11, 11),
        ("group:Q8", "q", 11, 12),
        ("group:Q8", "qi", 11, 11),
        ("polymod:x^2-1", "q", 2, 2),
        ("polymod:x^3-2", "q", 5, 5),
        ("polymod:x^4+1", "qi", 6, 6),
        ("structured:gg-2x2x2", "f2", 7, 7),
        ("structured:gt-4x4x4", "z", 16, 34),
        ("structured:ss-2x2x2", "q", 4, 5),
    ],
)
def test_published_ranks(name, ring, bound, rank):
    assert (proven(name, Ring(ring)), reached(name, Ring(ring))) == (bound, rank)


@pytest.mark.parametrize("name", MEMBERS)
def test_no_known_rank_is_below_a_proven_bound(name):
    for ring in RINGS:
        assert reached(name, ring) is None or reached(name, ring) >= proven(name, ring), ring
    assert all(fact.rank >= 1 and fact.source and fact.rings for fact in itertools.chain(*facts(name)))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_larger_set_never_needs_more(name):
    inclusions = [(Ring.ZT, Ring.Z), (Ring.Z, Ring.Q), (Ring.Q, Ring.QI), (Ring.Z, Ring.F2), (Ring.Z, Ring.F3)]
    for small, large in inclusions:
        assert proven(name, small) >= proven(name, large), (small, large)
        if reached(name, small) is not None:
            assert reached(name, large) <= reached(name, small), (small, large)


def test_the_table_of_the_guide_is_what_the_families_say():
    rows = [line.strip("|\n ").split("|") for line in GUIDE.read_text(encoding="utf-8").splitlines()]
    table = [[cell.strip() for cell in row] for row in rows if len(row) == 1 + len(RINGS) and "`" in row[0]]
    assert len(table) > 15
    for names, *cells in table:
        for name in names.replace("`", "").split(", "):
            assert [_cell(name, ring) for ring in RINGS] == cells, name


def _cell(name, ring):
    bound, rank = proven(name, ring), reached(name, ring)
    if rank is None:
        return f"from {bound}"
    return str(rank) if rank == bound else f"{bound} to {rank}"


def test_facts_come_in_order():
    ranks = [fact.rank for fact in known_ranks(parse_target("polymul:4x4"))]
    assert ranks == sorted(ranks)
    assert [fact.rank for fact in known_ranks(parse_target("polymul:4x4"), Ring.ZT)] == [9]
    assert known_ranks(parse_target("2x2x2")) == []


@pytest.mark.parametrize("n", range(2, 40))
def test_convolutions_over_the_rationals_by_divisors(n):
    divisors = [d for d in range(1, n + 1) if n % d == 0]
    cyclic, negacyclic = 2 * n - len(divisors), 2 * n - sum(d % 2 for d in divisors)
    for name, rank in ((f"cyclic:{n}", cyclic), (f"negacyclic:{n}", negacyclic)):
        assert (proven(name, Ring.Q), reached(name, Ring.Q)) == (rank, rank)


@pytest.mark.parametrize("ring", [Ring.Q, Ring.QI, Ring.F2, Ring.F3])
@pytest.mark.parametrize("sign", [1, -1])
def test_components_are_the_factors_that_sympy_finds(ring, sign):
    x = sympy.Symbol("x")
    options = {"modulus": ring.characteristic} if ring.characteristic else {"domain": "QQ_I" if ring == "qi" else "QQ"}
    for n in range(1, 17):
        factors = sympy.Poly(x**n - sign, x, **options).factor_list()[1]
        assert sorted(components((n,), sign, ring)) == sorted(factor.degree() for factor, _ in factors)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("S3", (3, 3, 2, 2)), ("S4", (5, 5, 2, 4)), ("S5", (7, 7, 3, 5)), ("Q8", (5, 5, 1, 5)), ("D4", (5, 5, 1, 5)),
     ("C4", (3, 4, 1, 3)), ("C5", (2, 2, 2, 2)), ("C7", (2, 2, 3, 2)), ("C3xC3", (5, 5, 5, 1)), ("D5", (3, 3, 2, 3)),
     ("C12", (6, 8, 2, 3))],
)  # fmt: skip
def test_simple_algebras_of_a_group(name, counts):
    """Over q, qi, f2, f3: known from character tables and factorisations; D5 has irrational characters."""
    table = multiplication_table(parse_factors(name))
    assert tuple(ideals(table, ring) for ring in (Ring.Q, Ring.QI, Ring.F2, Ring.F3)) == counts


def test_groups_of_one_generator_agree_with_convolutions():
    for n, ring in itertools.product(range(2, 13), (Ring.Q, Ring.QI, Ring.F2, Ring.F3)):
        assert ideals(multiplication_table(parse_factors(f"C{n}")), ring) == len(components((n,), 1, ring))


def test_griesmers_bound():
    assert [griesmer(2, k, d) for k, d in ((3, 3), (4, 3), (4, 4), (5, 7), (1, 9), (3, 1))] == [6, 7, 8, 15, 9, 3]
    assert griesmer(3, 4, 4) == 4 + 2 + 1 + 1
    assert griesmer(2, 10**6, 10**6) > 2 * 10**6


def test_left_multiplication_by_an_octonion_modulo_3_has_rank_at_least_4():
    tensor = parse_target("octonion").dense()
    null = [x for x in itertools.product(range(3), repeat=8) if sum(c * c for c in x) % 3 == 0 and any(x)]
    ranks = {rank_modulo(np.einsum("ijk,i->jk", tensor, x) % 3, 3) for x in null[::7]}
    assert ranks == {4}


CONSTRUCTED = [
    *(("f2", name) for name in ("cyclic:5", "cyclic:10", "cyclic:30", "negacyclic:6", "shortmul:12", "polymul:5x12")),
    *(("f3", name) for name in ("cyclic:9", "shortmul:8", "polymul:3x8", "polymul:7x7")),
    *(("z", name) for name in ("cyclic:9", "negacyclic:8", "polymul:6x8", "shortmul:5")),
    *(("zt", name) for name in ("cyclic:4", "cyclic:7", "shortmul:7", "shortmul:9")),
    *(("zt", f"polymul:{m}x{n}") for m, n in LIFTED),
]
"""Members whose best known rank was, or is, that of a construction here."""


@pytest.mark.parametrize(("ring", "name"), CONSTRUCTED)
def test_no_known_rank_is_above_what_evaluation_builds(ring, name):
    scheme = evaluated(parse_target(name), Ring(ring))
    assert verify(scheme).ok
    assert reached(name, Ring(ring)) <= scheme.rank
    assert scheme.ring in (Ring(ring), Ring.ZT)


def test_a_construction_is_named_as_the_source():
    best = known_ranks(parse_target("cyclic:30"), Ring.F2)[0]
    assert (best.rank, best.source.split(",")[0]) == (84, "construction here")
    assert best.rank < min(
        fact.rank for fact in known_ranks(parse_target("cyclic:30"), Ring.F2) if "here" not in fact.source
    )


def pairs(n):
    """Products of pairs for polynomials of n coefficients: (factor, output), shapes (rank, n) and (rank, 2n - 1)."""
    chosen = [(i, i) for i in range(n)] + list(itertools.combinations(range(n), 2))
    factor, output = np.zeros((len(chosen), n), dtype=int), np.zeros((len(chosen), 2 * n - 1), dtype=int)
    for q, (i, j) in enumerate(chosen):
        factor[q, [i, j]] = 1
        output[q, i + j] += 1
        if i < j:
            output[[i, j], i + j] -= 1
    return factor, output


def put_into(outer, inner):
    """The formula of formulas: blocks are multiplied by `outer`, and inside by `inner`."""
    (u, w), (v, x) = outer, inner
    step, length = v.shape[1], 2 * u.shape[1] * v.shape[1] - 1
    output = np.zeros((len(u) * len(v), length), dtype=int)
    for block in range(w.shape[1]):
        output[:, block * step : block * step + x.shape[1]] += np.kron(w[:, [block]], x)
    return np.kron(u, v), output


@pytest.mark.parametrize("sizes", [(2,), (3,), (4,), (2, 2), (2, 3), (3, 2), (3, 3), (2, 2, 2), (2, 5), (2, 2, 3)])
def test_pairs_reach_the_ternary_ranks(sizes):
    formula = pairs(sizes[0])
    for size in sizes[1:]:
        formula = put_into(formula, pairs(size))
    factor, output = formula
    n = math.prod(sizes)
    folded = np.concatenate([output, np.zeros((len(output), 1), dtype=int)], axis=1).reshape(-1, 2, n)
    maps = {f"polymul:{n}x{n}": output}
    maps |= {f"cyclic:{n}": folded[:, 0] + folded[:, 1], f"negacyclic:{n}": folded[:, 0] - folded[:, 1]}
    for name, w in maps.items():
        scheme = Scheme(parse_target(name), Ring.ZT, factor, factor, w)
        assert verify(scheme).ok
        assert reached(name, Ring.ZT) <= scheme.rank
    if sizes in ((2,), (3,), (2, 3), (3, 3), (2, 2, 2), (2, 2, 3)):
        assert {reached(name, Ring.ZT) for name in maps} == {len(factor)}


@pytest.mark.parametrize("n", range(2, 9))
def test_pairs_reach_the_ternary_rank_of_short_products(n):
    factor, output = pairs(n)
    needed = output[:, :n].any(axis=1)
    scheme = Scheme(parse_target(f"shortmul:{n}"), Ring.ZT, factor[needed], factor[needed], output[needed, :n])
    assert verify(scheme).ok
    assert reached(scheme.target.name, Ring.ZT) == scheme.rank - (n == 7)  # there a lifted scheme has one product less


@pytest.mark.parametrize(("m", "n"), [(2, 2), (2, 3), (3, 3), (4, 3), (1, 4)])
def test_evaluation_reaches_the_rational_rank(m, n):
    points = [0, 1, -1, 2, -2, 3, -3][: m + n - 2]
    rows = [[point**power for power in range(m + n - 1)] for point in points] + [[0] * (m + n - 2) + [1]]
    inverse = sympy.Matrix(rows).inv()
    denominators = [math.lcm(*(int(entry.q) for entry in inverse[:, q])) for q in range(m + n - 1)]
    w = [[int(entry * d) for entry in inverse[:, q]] for q, d in enumerate(denominators)]
    u, v = ([row[:side] for row in rows[:-1]] + [[0] * (side - 1) + [1]] for side in (m, n))
    scheme = Scheme(parse_target(f"polymul:{m}x{n}"), Ring.Q, np.array(u), np.array(v), np.array(w), denominators)
    assert verify(scheme).ok
    assert scheme.rank == proven(scheme.target.name, Ring.Q) == reached(scheme.target.name, Ring.Q)


def test_a_published_scheme_of_a_structured_product():
    """The first of the three products that Khoruzhii, Gelß and Pokutta need for a symmetric times a skew 2x2 matrix."""
    target = parse_target("structured:sk-2x2x2")
    scheme = Scheme(target, Ring.ZT, np.eye(3, dtype=int), np.ones((3, 1), dtype=int), target.dense()[:, 0, :])
    assert verify(scheme).ok
    assert scheme.rank == reached(target.name, Ring.ZT.field) == proven(target.name, Ring.Z)
