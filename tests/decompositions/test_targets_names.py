"""How the families' members are written, what is refused, and that nothing large is built before it is refused."""

import time
import tracemalloc

import pytest

from bilinear.decompositions import TargetError, TooLargeError, parse_target


@pytest.mark.parametrize(
    ("text", "name", "sizes", "shape"),
    [
        ("polymul:3x2", "polymul:3x2", (3, 2), (3, 2, 4)),
        (" PolyMul: 03X2 ", "polymul:3x2", (3, 2), (3, 2, 4)),
        ("polymul:2x2^2", "polymul:2x2^2", (2, 2, 2, 2), (4, 4, 9)),
        ("polymul:2x2,2x2,3x1", "polymul:2x2^2,3x1", (2, 2, 2, 2, 3, 1), (12, 4, 27)),
        ("correlation:4x3^2", "correlation:4x3^2", (4, 3, 4, 3), (36, 9, 16)),
        ("correlation:4x3", "correlation:4x3", (4, 3), (6, 3, 4)),
        ("cyclic:8^1", "cyclic:8", (8,), (8, 8, 8)),
        ("cyclic:4,3", "cyclic:4,3", (4, 3), (12, 12, 12)),
        ("negacyclic:4", "negacyclic:4", (4,), (4, 4, 4)),
        ("shortmul:1", "shortmul:1", (1,), (1, 1, 1)),
        ("middle:3", "middle:3", (3,), (5, 3, 3)),
        ("toeplitz:3", "toeplitz:3", (3,), (5, 3, 3)),
        ("hankel:1", "hankel:1", (1,), (1, 1, 1)),
        ("polymod:1,0,1", "polymod:1,0,1", (1, 0, 1), (2, 2, 2)),
        ("polymod: x^2 + 1", "polymod:1,0,1", (1, 0, 1), (2, 2, 2)),
        ("polymod:x**3-2X+1", "polymod:1,-2,0,1", (1, -2, 0, 1), (3, 3, 3)),
        ("polymod:-x+x^2-x^4+2x^4+0", "polymod:0,-1,1,0,1", (0, -1, 1, 0, 1), (4, 4, 4)),
        ("polymod:+1,00,1,0", "polymod:1,0,1", (1, 0, 1), (2, 2, 2)),
        ("complex", "complex", (), (2, 2, 2)),
        ("Quaternion", "quaternion", (), (4, 4, 4)),
        ("octonion:", "octonion", (), (8, 8, 8)),
        ("cross", "cross", (), (3, 3, 3)),
        ("commutator:2", "commutator:2", (2,), (4, 4, 4)),
        ("group:s3", "group:S3", (), (6, 6, 6)),
        ("group:c2Xc2", "group:C2xC2", (), (4, 4, 4)),
        ("group:Q8", "group:Q8", (), (8, 8, 8)),
        ("group:D04", "group:D4", (), (8, 8, 8)),
        ("structured:GT-2x3x2", "structured:gt-2x3x2", (2, 3, 2), (6, 6, 3)),
        ("structured:ug-3x3x2", "structured:ug-3x3x2", (3, 3, 2), (6, 6, 6)),
        ("structured:sk-3x3x3", "structured:sk-3x3x3", (3, 3, 3), (6, 3, 9)),
        ("structured:ll-2x2x2", "structured:ll-2x2x2", (2, 2, 2), (3, 3, 3)),
    ],
)
def test_spellings(text, name, sizes, shape):
    target = parse_target(text)
    assert (target.name, target.short, target.sizes, target.shape) == (name, name, sizes, shape)
    assert target.family == name.partition(":")[0]
    assert parse_target(target.name).key == target.key
    for names, side in zip(target.names, shape, strict=True):
        assert len(set(names)) == len(names) == side


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("polymul", "target 'polymul' needs its parameters: polymul:MxN"),
        ("polymul:3", "polymul:3: 1 size given, 2 needed: polymul:MxN"),
        ("polymul:3x2x1", "3 sizes given, 2 needed"),
        ("polymul:0x2", "polymul:0x2: a size is below 1; every size must be at least 1"),
        ("polymul:2x-2", "'-2' is not a whole number; sizes are written polymul:MxN"),
        ("polymul:2x2^", "'' is not a whole number; a power is written"),
        ("polymul:2x2^0", "1 to 8 factors can be multiplied"),
        ("polymul:2x2^9", "1 to 8 factors can be multiplied"),
        ("polymul:2x2^999999999999", "1 to 8 factors can be multiplied"),
        ("polymul:2x2,", "1 size given, 2 needed"),
        ("cyclic:1", "cyclic:1: a size is below 2; every size must be at least 2"),
        ("cyclic:-4", "'-4' is not a whole number; sizes are written cyclic:N"),
        ("cyclic:4,1", "cyclic:4,1: a size is below 2"),
        ("negacyclic:0", "a size is below 2"),
        ("negacyclic:2.5", "'2.5' is not a whole number"),
        (f"cyclic:{'9' * 400}", "a size of 400 digits; choose a smaller size"),
        ("shortmul:0", "a size is below 1"),
        ("middle:", "'' is not a whole number"),
        ("polymod:", "'' is no integer of at most 12 digits; coefficients are written by rising power"),
        ("polymod:1,0,2", "x.2 has coefficient 2; a monic polynomial is needed, with 1 there"),
        ("polymod:1,0,-1", "x.2 has coefficient -1; a monic polynomial"),
        ("polymod:2x^2+1", "a monic polynomial is needed"),
        ("polymod:5,1", "a polynomial of degree 1; at least 2 is needed"),
        ("polymod:0", "a polynomial of degree 0; at least 2"),
        ("polymod:x", "a polynomial of degree 1"),
        ("polymod:1,a,1", "'a' is no integer of at most 12 digits"),
        ("polymod:1,0.5,1", "'0.5' is no integer"),
        ("polymod:x^2+y", "'.y' is no term; write x.3-2x.1 or 1,-2,0,1"),
        ("polymod:x^2x", "'x' is no term"),
        ("polymod:x^99999999", "degree 99999999; at most 1000 is held"),
        (f"polymod:{'1,' * 2000}1", "2001 coefficients; at most 1001 are held"),
        ("polymod:0,999999999999,999999999999,1", "leaves a remainder beyond 2.62; choose smaller coefficients"),
        ("complex:2", "complex:2: complex has no parameters; write complex"),
        ("cross:3", "cross has no parameters"),
        ("commutator:1", "commutator:1: a size is below 2; every size must be at least 2"),
        ("commutator:2x2", "'2x2' is not a whole number; it is written commutator:N"),
        ("group:", "'' is no group known here; groups are products of Cn, Dn .of order 2n., Sn and Q8"),
        ("group:A4", "'a4' is no group known here"),
        ("group:Q16", "'q16' is no group known here"),
        ("group:C0", "'c0' is no group known here"),
        ("group:C1", "group:C1: 1 element; 2 to 1000 are needed"),
        ("group:S7", "group:S7: too many elements; 2 to 1000 are needed"),
        ("group:S999999", "too many elements"),
        ("group:C2x", "'' is no group known here"),
        ("structured:gt", "two letters and three sizes are needed: structured:XY-NxMxP, as in gt-4x4x4"),
        ("structured:gx-2x2x2", "A is one of g, u, l, s, k, w, and B one of them or t"),
        ("structured:tg-2x2x2", "A is one of g, u, l, s, k, w"),
        ("structured:gg-2x2", "2 sizes given, three are needed"),
        ("structured:gg-2x0x2", "a size is below 1"),
        ("structured:gt-2x3x3", "A times the transpose of a matrix like A is 2 x 2; write 2x3x2"),
        ("structured:ug-2x3x3", "A is 2 x 3; one of kind 'u' must be square"),
        ("structured:gs-2x3x2", "B is 3 x 2; one of kind 's' must be square"),
        ("structured:kg-1x1x1", "a skew-symmetric 1 x 1 matrix is zero; choose a larger size"),
    ],
)  # fmt: skip
def test_bad_members(name, text):
    with pytest.raises(TargetError, match=text) as caught:
        parse_target(name)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["polymul:9999999x9999999", "cyclic:99999999", "negacyclic:9999^4", "correlation:100000x3^4", "toeplitz:9999999",
     "shortmul:99999999", "commutator:99999", "structured:gt-99999x99999x99999", "hankel:10000000^8"],
)  # fmt: skip
def test_huge_members_are_refused_before_allocation(name):
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(TooLargeError, match=r"the tensor of .* needs about .*B, .* are available"):
        parse_target(name)
    seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 0.5
    assert peak < 1 << 20
