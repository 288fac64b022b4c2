"""Each family computes what it says, against an independent program: NumPy, SciPy, SymPy, or the definition by hand."""

import itertools

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, signal
from sympy.combinatorics import named_groups
from sympy.combinatorics.permutations import Permutation

from bilinear.decompositions import parse_target


def applied(target, x, y):
    """f(x, y), straight from the nonzero entries."""
    i, j, k = target.indices.T
    out = np.zeros(target.shape[2], dtype=np.int64)
    np.add.at(out, k, target.values * np.asarray(x)[i] * np.asarray(y)[j])
    return out


def vectors(*lengths):
    """Small integers, an array for each length, with those lengths."""
    entry = st.integers(-9, 9)
    return st.tuples(*(st.lists(entry, min_size=n, max_size=n).map(np.array) for n in lengths))


def drawn(data, name):
    """A target and two inputs."""
    target = parse_target(name)
    return target, *data.draw(vectors(*target.shape[:2]))


sizes = st.integers(1, 7)


@given(sizes, sizes, st.data())
def test_polymul_is_a_convolution(m, n, data):
    target, x, y = drawn(data, f"polymul:{m}x{n}")
    assert applied(target, x, y).tolist() == np.convolve(x, y).tolist()


@given(sizes, sizes, st.data())
def test_correlation_slides_the_filter_over_the_data(m, r, data):
    target, x, y = drawn(data, f"correlation:{m}x{r}")
    assert applied(target, x, y).tolist() == signal.correlate(x, y, mode="valid").tolist()


@given(sizes, st.data())
def test_the_middle_product_is_the_middle_of_the_product(n, data):
    target, x, y = drawn(data, f"middle:{n}")
    assert applied(target, x, y).tolist() == np.convolve(x, y)[n - 1 : 2 * n - 1].tolist()


@given(sizes, st.data())
def test_toeplitz_and_hankel_matrices(n, data):
    target, x, y = drawn(data, f"toeplitz:{n}")
    assert applied(target, x, y).tolist() == (linalg.toeplitz(x[n - 1 :], x[n - 1 :: -1]) @ y).tolist()
    assert applied(parse_target(f"hankel:{n}"), x, y).tolist() == (linalg.hankel(x[:n], x[n - 1 :]) @ y).tolist()


@given(st.integers(2, 9), st.data())
def test_cyclic_convolution_is_pointwise_in_the_spectrum(n, data):
    target, x, y = drawn(data, f"cyclic:{n}")
    assert applied(target, x, y).tolist() == np.rint(np.fft.ifft(np.fft.fft(x) * np.fft.fft(y)).real).tolist()


@given(st.integers(2, 9), st.data())
def test_residues(n, data):
    target, x, y = drawn(data, f"negacyclic:{n}")
    full = np.append(np.convolve(x, y), 0)
    assert applied(target, x, y).tolist() == (full[:n] - full[n:]).tolist()
    assert applied(parse_target(f"shortmul:{n}"), x, y).tolist() == full[:n].tolist()


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=6), st.data())
def test_the_product_modulo_a_polynomial_is_the_remainder(low, data):
    target, x, y = drawn(data, f"polymod:{','.join(map(str, [*low, 1]))}")
    t = sympy.Symbol("t")
    a, b, p = (sympy.Poly(list(map(int, c))[::-1], t) for c in (x, y, [*low, 1]))
    remainder = (a * b).rem(p).all_coeffs()[::-1]
    assert applied(target, x, y).tolist() == remainder + [0] * (len(low) - len(remainder))


@pytest.mark.parametrize(
    ("one", "other"),
    [("polymod:x^4-1", "cyclic:4"), ("polymod:x^3+1", "negacyclic:3"), ("polymod:0,0,0,1", "shortmul:3"),
     ("polymod:x^2+1", "complex"), ("negacyclic:2", "complex"), ("group:C5", "cyclic:5"), ("group:C2xC3", "cyclic:2,3"),
     ("toeplitz:4", "middle:4"), ("hankel:4", "correlation:4x4"), ("structured:gg-2x3x4", "2x3x4"),
     ("cyclic:4^2", "cyclic:4,4"), ("group:S2", "group:C2"), ("group:D1", "group:C2")],
)  # fmt: skip
def test_two_names_of_one_map(one, other):
    assert parse_target(one) == parse_target(other)


@pytest.mark.parametrize("name", ["correlation:3x4", "middle:3", "toeplitz:4", "hankel:3"])
def test_permuted_axes_of_polynomial_products(name):
    target = parse_target(name)
    m, n = (3, 4) if name == "correlation:3x4" else (target.shape[1],) * 2
    product = parse_target(f"polymul:{m}x{n}").dense()
    orders = [product.transpose(order) for order in itertools.permutations(range(3))]
    flips = [
        (slice(None, None, a), slice(None, None, b), slice(None, None, c))
        for a, b, c in itertools.product((1, -1), repeat=3)
    ]
    assert any(np.array_equal(t[flip], target.dense()) for t in orders for flip in flips if t.shape == target.shape)


@given(st.integers(1, 4), st.integers(1, 3), st.data())
def test_powers_are_maps_of_two_variables(m, r, data):
    target, x, y = drawn(data, f"correlation:{m}x{r}^2")
    image, taps = x.reshape(m + r - 1, m + r - 1), y.reshape(r, r)
    assert applied(target, x, y).tolist() == signal.correlate2d(image, taps, mode="valid").ravel().tolist()


@given(st.data())
def test_products_of_different_sizes(data):
    target, x, y = drawn(data, "polymul:2x3,4x2")
    expected = signal.convolve2d(x.reshape(2, 4), y.reshape(3, 2))
    assert applied(target, x, y).tolist() == expected.ravel().tolist()
    target, x, y = drawn(data, "cyclic:3,4")
    spectrum = np.fft.fft2(x.reshape(3, 4)) * np.fft.fft2(y.reshape(3, 4))
    assert applied(target, x, y).tolist() == np.rint(np.fft.ifft2(spectrum).real).ravel().tolist()


@given(st.data())
def test_complex_numbers(data):
    target, x, y = drawn(data, "complex")
    product = complex(*x.tolist()) * complex(*y.tolist())
    assert applied(target, x, y).tolist() == [product.real, product.imag]


def matrix_of(q):
    """A quaternion as a complex 2x2 matrix: a faithful representation."""
    a, b, c, d = q.tolist()
    return np.array([[a + b * 1j, c + d * 1j], [-c + d * 1j, a - b * 1j]])


@given(st.data())
def test_quaternions_are_complex_matrices(data):
    target, x, y = drawn(data, "quaternion")
    assert np.array_equal(matrix_of(applied(target, x, y)), matrix_of(x) @ matrix_of(y))


@given(st.data())
def test_octonions_keep_norms_and_are_alternative_but_not_associative(data):
    target, x, y = drawn(data, "octonion")
    norm = applied(target, x, y) @ applied(target, x, y)
    assert norm == (x @ x) * (y @ y)
    assert applied(target, x, applied(target, x, y)).tolist() == applied(target, applied(target, x, x), y).tolist()
    e = np.eye(8, dtype=int)
    assert applied(target, e[1], e[2]).tolist() == e[3].tolist()
    assert applied(target, e[1], e[4]).tolist() == e[5].tolist()
    assert applied(target, applied(target, e[1], e[2]), e[4]).tolist() == e[7].tolist()
    assert applied(target, e[1], applied(target, e[2], e[4])).tolist() == (-e[7]).tolist()


@given(st.data())
def test_quaternions_lie_in_the_octonions(data):
    x, y = data.draw(vectors(4, 4))
    zeros = np.zeros(4, dtype=int)
    product = applied(parse_target("octonion"), np.append(x, zeros), np.append(y, zeros))
    assert product.tolist() == [*applied(parse_target("quaternion"), x, y).tolist(), 0, 0, 0, 0]


@given(st.data())
def test_vector_product(data):
    target, x, y = drawn(data, "cross")
    assert applied(target, x, y).tolist() == np.cross(x, y).tolist()


@given(st.integers(2, 4), st.data())
def test_commutators(n, data):
    target, x, y = drawn(data, f"commutator:{n}")
    a, b = x.reshape(n, n), y.reshape(n, n)
    assert applied(target, x, y).reshape(n, n).tolist() == (a @ b - b @ a).tolist()


def table(name):
    """The place of g h for the places of g and h."""
    target = parse_target(name)
    found = np.full(target.shape[:2], -1)
    found[target.indices[:, 0], target.indices[:, 1]] = target.indices[:, 2]
    return found


@pytest.mark.parametrize(
    ("name", "group"),
    [("group:S3", named_groups.SymmetricGroup(3)), ("group:S4", named_groups.SymmetricGroup(4)),
     ("group:C6", named_groups.CyclicGroup(6)), ("group:C2xC2", named_groups.AbelianGroup(2, 2)),
     ("group:C2xC4", named_groups.AbelianGroup(2, 4)), ("group:D3", named_groups.DihedralGroup(3)),
     ("group:D4", named_groups.DihedralGroup(4)), ("group:D7", named_groups.DihedralGroup(7))],
)  # fmt: skip
def test_groups_are_those_of_sympy(name, group):
    found = table(name)
    order = len(found)
    assert order == group.order()
    regular = {tuple(row) for row in found.tolist()}
    assert len(regular) == order
    identity = next(g for g in range(order) if found[g].tolist() == list(range(order)))
    assert sorted(_orders(found, identity)) == sorted(element.order() for element in group.elements)
    assert np.array_equal(found, found.T) == group.is_abelian
    assert np.array_equal(found[found[:, :, None], np.arange(order)], found[np.arange(order)[:, None, None], found])


def _orders(found, identity):
    for g in range(len(found)):
        power, count = g, 1
        while power != identity:
            power, count = found[power, g], count + 1
        yield count


def test_the_symmetric_group_multiplies_permutations():
    elements = list(itertools.permutations(range(3)))
    found = table("group:S3")
    for (p, g), (q, h) in itertools.product(enumerate(elements), repeat=2):
        product = Permutation(list(h)) * Permutation(list(g))  # SymPy applies the left one first
        assert elements[found[p, q]] == tuple(product.array_form)


def test_the_quaternion_group_is_that_of_the_quaternions():
    quaternion, found = parse_target("quaternion"), table("group:Q8")
    units = np.concatenate([np.eye(4, dtype=int), -np.eye(4, dtype=int)])
    for g, h in itertools.product(range(8), repeat=2):
        assert units[found[g, h]].tolist() == applied(quaternion, units[g], units[h]).tolist()


def matrix(kind, coordinates, rows, columns):
    """A structured matrix from its free entries, along the rows of the upper triangle."""
    if kind == "g":
        return coordinates.reshape(rows, columns)
    found = np.zeros((rows, rows), dtype=int)
    found[np.triu_indices(rows, kind == "k")] = coordinates
    if kind in "sw":
        sign = 1 if kind == "s" else -1
        found += sign * np.triu(found, 1).T
    if kind == "k":
        found -= found.T
    return found.T if kind == "l" else found


@given(st.sampled_from("gulskw"), st.sampled_from("gulskw"), st.integers(2, 4), st.data())
def test_products_of_structured_matrices(left, right, n, data):
    rows = n if left != "g" else data.draw(st.integers(1, 3))
    columns = n if right != "g" else data.draw(st.integers(1, 3))
    target, x, y = drawn(data, f"structured:{left}{right}-{rows}x{n}x{columns}")
    product = matrix(left, x, rows, n) @ matrix(right, y, n, columns)
    kind = left if left == right and left in "ul" else "g"
    assert matrix(kind, applied(target, x, y), rows, columns).tolist() == product.tolist()


@given(st.sampled_from("gulskw"), st.integers(2, 4), st.data())
def test_a_matrix_times_its_transpose(kind, n, data):
    columns = n if kind != "g" else data.draw(st.integers(1, 4))
    target, x, y = drawn(data, f"structured:{kind}t-{n}x{columns}x{n}")
    a, b = matrix(kind, x, n, columns), matrix(kind, y, n, columns)
    assert applied(target, x, y).tolist() == (a @ b.T)[np.triu_indices(n)].tolist()
    assert matrix("s", applied(target, x, x), n, n).tolist() == (a @ a.T).tolist()
