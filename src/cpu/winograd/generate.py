#!/usr/bin/env python3
"""Writes the one-dimensional Winograd transforms of the CPU engine as C.

    generate.py OUTDIR    writes OUTDIR/winograd_MxR.h, one file for each form below
    generate.py --list    prints the names of these files, one a line

F(M, R) computes M outputs of a correlation with R weights from N = M + R - 1 inputs:

    y[i] = sum over k of g[k] d[i + k]        y = AT ((G g) * (BT d))

with N products (S. Winograd 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
Networks", arXiv 1509.09308). Tiles of pictures apply each matrix to columns and then to rows. The
gradients are the transposed algorithm:

    with respect to d:  B ((G g) * (A dy))    with respect to g:  GT ((BT d) * (A dy))

so there are six transforms, and each is written as a straight line of vector operations.

The matrices come from N - 1 interpolation points and the point at infinity (Toom and Cook):
polynomials of degree M - 1 and R - 1 are evaluated in the points, multiplied there, and the product
is interpolated; the transposed algorithm gives the correlation. All arithmetic here is exact, and
what is written is checked against the definition before it is written.
"""

import sys
from fractions import Fraction
from pathlib import Path
from struct import pack, unpack
from typing import NamedTuple


class Form(NamedTuple):
    outputs: int  # M
    weights: int  # R
    points: str  # N - 1 of them; powers of two, so that AT and BT are exact in binary32

    @property
    def file_name(self):
        return f"winograd_{self.outputs}x{self.weights}.h"


FORMS = (
    Form(2, 3, "0 1 -1"),
    Form(4, 3, "0 1 -1 1/2 -2"),
    Form(6, 3, "0 1 -1 2 -2 1/2 -1/2"),
    Form(2, 5, "0 1 -1 1/2 -2"),
    Form(4, 5, "0 1 -1 2 -2 1/2 -1/2"),
)


# Matrices


def transpose(matrix):
    return [list(column) for column in zip(*matrix)]


def powers(point, count):
    return [point**i for i in range(count)]  # 0**0 is 1


def product_of_roots(points):
    """Coefficients, lowest first, of the product of (x - point)."""
    product = [Fraction(1)]
    for point in points:
        shifted = [Fraction(0)] + product
        product = [s - point * p for s, p in zip(shifted, product + [Fraction(0)])]
    return product


def matrices(form):
    """AT (M x N), G (N x R) and BT (N x N) of a form; the last point is infinity."""
    m, r = form.outputs, form.weights
    points = [Fraction(text) for text in form.points.split()]
    assert len(set(points)) == len(points) == m + r - 2
    evaluate, weights, inputs = [], [], []
    for point in points:
        others = [other for other in points if other != point]
        scale = Fraction(1)
        for other in others:
            scale *= point - other
        evaluate.append(powers(point, m))
        weights.append([power / scale for power in powers(point, r)])
        inputs.append(product_of_roots(others) + [Fraction(0)])
    evaluate.append([Fraction(0)] * (m - 1) + [Fraction(1)])
    weights.append([Fraction(0)] * (r - 1) + [Fraction(1)])
    inputs.append(product_of_roots(points))
    return transpose(evaluate), weights, inputs


def check_matrices(form, at, g, bt):
    """The bilinear identity: weight k times input j belongs to output i where j = i + k."""
    m, r = form.outputs, form.weights
    n = m + r - 1
    for i in range(m):
        for k in range(r):
            for j in range(n):
                total = sum(at[i][b] * g[b][k] * bt[b][j] for b in range(n))
                assert total == (1 if j == i + k else 0), (form, i, k, j)


def amplification(left, middle, right):
    """The largest row sum of |left| (|middle| 1 * |right| 1), squared for two dimensions: how much
    larger than the largest input times the largest weight the sum of absolute values can get."""
    sums = [sum(map(abs, a)) * sum(map(abs, b)) for a, b in zip(middle, right)]
    return max(sum(abs(c) * s for c, s in zip(row, sums)) for row in left) ** 2


# Straight-line programs: values x0, x1 .. are the inputs, t0, t1 .. are computed


class Step(NamedTuple):
    name: str
    terms: tuple  # of (coefficient, name): their sum


def binary32(number):
    return Fraction(unpack("<f", pack("<f", float(number)))[0])


def is_exact(number):
    return binary32(number) == number


def ratios(row, names):
    """Pairs of names in a row with the ratio of the second's coefficient to the first's."""
    present = [name for name in names if row.get(name, 0) != 0]
    for index, first in enumerate(present):
        for second in present[index + 1 :]:
            yield first, second, row[second] / row[first]


def best_pair(rows, names):
    """The pair of values that most rows hold in the same ratio: sharing it saves most. Sums and
    differences win ties, for they need no constant."""
    counts = {}
    for row in rows:
        for pair in ratios(row, names):
            counts[pair] = counts.get(pair, 0) + 1
    shared = [pair for pair, count in counts.items() if count > 1 and is_exact(pair[2])]
    return max(shared, key=lambda pair: (counts[pair], abs(pair[2]) == 1), default=None)


def program(matrix):
    """Steps and the names of the outputs that multiply a vector by the matrix."""
    names = [f"x{j}" for j in range(len(matrix[0]))]
    rows = [{name: c for name, c in zip(names, row) if c != 0} for row in matrix]
    steps = []
    while pair := best_pair(rows, names):
        first, second, ratio = pair
        name = f"t{len(steps)}"
        steps.append(Step(name, ((Fraction(1), first), (ratio, second))))
        names.append(name)
        for row in rows:
            if first in row and row.get(second) == ratio * row[first]:
                row[name] = row.pop(first)
                del row[second]
    outputs = []
    for row in rows:
        terms = tuple(sorted(((c, name) for name, c in row.items()), key=start_with_plus_one))
        if len(terms) == 1 and terms[0][0] == 1:
            outputs.append(terms[0][1])
        else:
            outputs.append(f"t{len(steps)}")
            steps.append(Step(outputs[-1], terms))
    return steps, outputs


def start_with_plus_one(term):
    return (term[0] != 1, abs(term[0]) == 1, names_order(term[1]))


def names_order(name):
    return (name[0] == "t", int(name[1:]))


def check_program(matrix, steps, outputs):
    """Follows the steps with rows of the unit matrix as inputs."""
    count = len(matrix[0])
    values = {f"x{j}": [Fraction(i == j) for i in range(count)] for j in range(count)}
    for step in steps:
        values[step.name] = [
            sum(c * values[name][i] for c, name in step.terms) for i in range(count)
        ]
    assert [values[name] for name in outputs] == matrix


# C


def constant(number):
    text = f"{float(binary32(number)):.9g}"
    return f"ninp_set({text if '.' in text or 'e' in text else text + '.0'}F)"


def expression(terms):
    """Fused operations where there is a factor; -c * x shares the constant of c * x."""
    first, name = terms[0]
    text = name if first == 1 else f"ninp_mulv({constant(first)}, {name})"
    for c, name in terms[1:]:
        if abs(c) == 1:
            text = f"{'ninp_addv' if c > 0 else 'ninp_subv'}({text}, {name})"
        else:
            call = "ninp_fma" if c > 0 else "ninp_fnma"
            text = f"{call}({constant(abs(c))}, {name}, {text})"
    return text


def transform(name, comment, matrix):
    steps, outputs = program(matrix)
    check_program(matrix, steps, outputs)
    lines = [
        f"/* {comment}: {len(matrix[0])} values to {len(matrix)}. */",
        f"NINP_SIMD void ninp_tile_{name}(const float *in, size_t in_stride, float *out,",
        f"{' ' * (len('NINP_SIMD void ninp_tile_(') + len(name))}size_t out_stride) {{",
    ]
    for j in range(len(matrix[0])):
        lines.append(f"    const ninp_v x{j} = ninp_load(in + {j} * in_stride);")
    for step in steps:
        lines.append(f"    const ninp_v {step.name} = {expression(step.terms)};")
    for i, output in enumerate(outputs):
        lines.append(f"    ninp_store(out + {i} * out_stride, {output});")
    return "\n".join(lines + ["}", ""])


def header(form):
    at, g, bt = matrices(form)
    check_matrices(form, at, g, bt)
    assert all(is_exact(number) for row in at + bt for number in row)
    assert {row[1] for row in at} == {1}  # the bias enters there, and its gradient leaves
    a, gt, b = transpose(at), transpose(g), transpose(bt)
    m, r = form.outputs, form.weights
    numbers = (("OUTPUTS", m), ("WEIGHTS", r), ("SIZE", m + r - 1))
    norms = (
        ("OUTPUT", amplification(at, g, bt)),
        ("INPUT_GRADIENT", amplification(b, g, a)),
        ("WEIGHT_GRADIENT", amplification(gt, bt, a)),
    )
    transforms = (
        transform("input", "BT", bt),
        transform("output", "AT", at),
        transform("output_gradient", "A", a),
        transform("input_gradient", "B", b),
        transform("weight", "G", g),
        transform("weight_gradient", "GT", gt),
    )
    guard = f"NINP_{form.file_name.upper().replace('.', '_')}"
    return "\n".join(
        [
            f"/* F({m}, {r}) with the points {', '.join(form.points.split())} and infinity."
            " Written by generate.py. */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            "#include <stddef.h>",
            "",
            "enum {",
            ",\n".join(f"    NINP_TILE_{name} = {number}" for name, number in numbers),
            "};",
            *(f"#define NINP_TILE_{name}_NORM {float(norm):.6g}" for name, norm in norms),
            "",
            *transforms,
            "#endif",
            "",
        ]
    )


def main(arguments):
    if arguments == ["--list"]:
        for form in FORMS:
            print(form.file_name)
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        folder = Path(arguments[0])
        folder.mkdir(parents=True, exist_ok=True)
        for form in FORMS:
            (folder / form.file_name).write_text(header(form))
    else:
        sys.exit("usage: generate.py OUTDIR | --list")


if __name__ == "__main__":
    main(sys.argv[1:])
