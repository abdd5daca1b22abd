#!/usr/bin/env python3
"""Writes the one-dimensional Fourier transforms of the CPU engine as C.

    generate.py OUTDIR    writes OUTDIR/fft_codelets.h, which names the sizes, and their functions
                          in fft_codelets_1.h and so on, which are compiled apart from each other
    generate.py --list    prints the names of these files

Of N values they compute, each written as a straight line of vector operations:

    real          X[k] = sum over n of x[n] exp(-2 pi i n k / N) of real x, for k = 0 to N / 2: the
                  others are their conjugates
    complex       the same of complex x, for all k; with real and imaginary parts exchanged on both
                  sides it is the inverse
    real_inverse  x[n] = sum over k of X[k] exp(2 pi i n k / N) where X[N - k] is the conjugate of
                  X[k], which makes x real

N = N1 N2 is taken apart: transforms of size N1, factors where N1 and N2 have a common divisor (J.
Cooley and J. Tukey, "An Algorithm for the Machine Calculation of Complex Fourier Series", 1965),
no factors where they have none (I. Good, "The Interaction Algorithm and Practical Fourier
Analysis", 1958), transforms of size N2. Sizes are products of 2, 3, 5 and 7, whose transforms are
written out. Conjugates are never computed twice.

The constants are cosines and stay symbols until they are written. Before, every program is checked
against the definition in exact arithmetic: modulo a prime for which there are roots of unity.
"""

import math
import sys
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

PARTS = 4  # src/cpu/kernel/fft_codelets_N.c
TURNS = 5  # of waves, for the taps of filters up to 2 TURNS + 1
SIZES = (8, 10, 12, 14, 15, 16, 18, 20, 24, 28, 30, 32, 36)


# Constants


class Constant(NamedTuple):
    factor: Fraction
    turn: Fraction  # 0 or between 0 and 1/4: factor * cos(2 pi turn)

    def __float__(self):
        return float(self.factor) * math.cos(2.0 * math.pi * float(self.turn))


def cosine(turn, factor=1):
    """factor * cos(2 pi turn), with one spelling for every number."""
    turn, factor = Fraction(turn) % 1, Fraction(factor)
    turn = min(turn, 1 - turn)
    if turn > Fraction(1, 4):
        turn, factor = Fraction(1, 2) - turn, -factor
    if turn == Fraction(1, 4):
        turn, factor = Fraction(0), Fraction(0)
    if turn == Fraction(1, 6):
        turn, factor = Fraction(0), factor / 2
    return Constant(factor, turn)


def sine(turn, factor=1):
    return cosine(turn - Fraction(1, 4), factor)


# Programs: values x0r, x0i, x1r .. are the inputs, t0, t1 .. are computed. A value is None (zero) or
# a sign and a name; a complex one is a pair of values.


class Step(NamedTuple):
    name: str
    terms: tuple  # of (Constant, name): their sum


class Program:
    def __init__(self):
        self.steps = []
        self.known = {}

    def sum(self, *terms):
        """The sum of (Constant or number, value)."""
        flat = []
        for factor, value in terms:
            if not isinstance(factor, Constant):
                factor = cosine(0, factor)
            if value is not None and factor.factor != 0:
                sign, name = value
                flat.append((Constant(factor.factor * sign, factor.turn), name))
        if not flat:
            return None
        flat.sort(key=lambda term: (abs(term[0].factor) != 1 or term[0].turn != 0, term[1]))
        sign = 1 if flat[0][0].factor > 0 else -1
        flat = tuple((Constant(c.factor * sign, c.turn), name) for c, name in flat)
        if len(flat) == 1 and flat[0][0] == Constant(1, 0):
            return (sign, flat[0][1])
        if flat not in self.known:
            self.known[flat] = f"t{len(self.steps)}"
            self.steps.append(Step(self.known[flat], flat))
        return (sign, self.known[flat])

    def add(self, a, b):
        return (self.sum((1, a[0]), (1, b[0])), self.sum((1, a[1]), (1, b[1])))

    def subtract(self, a, b):
        return (self.sum((1, a[0]), (-1, b[0])), self.sum((1, a[1]), (-1, b[1])))

    def turn(self, a, turn):
        """a * exp(2 pi i turn)"""
        c, s = cosine(turn), sine(turn)
        minus_s = sine(-turn)
        return (self.sum((c, a[0]), (minus_s, a[1])), self.sum((s, a[0]), (c, a[1])))


def negative(value):
    return None if value is None else (-value[0], value[1])


def conjugate(a):
    return (a[0], negative(a[1]))


# Transforms of lists of complex values; sign -1 is forward, 1 inverse.


class Split(NamedTuple):
    """Of N = n1 n2: input m1, m2 to output q1, q2."""

    n1: int
    n2: int
    coprime: bool

    def input(self, m1, m2):
        if self.coprime:
            return (self.n2 * m1 + self.n1 * m2) % (self.n1 * self.n2)
        return self.n2 * m1 + m2

    def output(self, q1, q2):
        if self.coprime:
            return next(
                q for q in range(self.n1 * self.n2) if q % self.n1 == q1 and q % self.n2 == q2
            )
        return q1 + self.n1 * q2

    def factor(self, m2, q1):
        """In turns: between the two stages."""
        return Fraction(0) if self.coprime else Fraction(m2 * q1, self.n1 * self.n2)


def split(n):
    """None: n is prime."""
    prime = next(p for p in range(2, n + 1) if n % p == 0)
    power = 0
    while n % prime ** (power + 1) == 0:
        power += 1
    if prime**power < n:
        return Split(prime**power, n // prime**power, True)
    return None if power == 1 else Split(prime ** (power // 2), n // prime ** (power // 2), False)


def transform_prime(program, x, sign):
    n = len(x)
    if n == 2:
        return [program.add(x[0], x[1]), program.subtract(x[0], x[1])]
    half = range(1, n // 2 + 1)
    sums = {j: program.add(x[j], x[n - j]) for j in half}
    differences = {j: program.subtract(x[j], x[n - j]) for j in half}
    result = [None] * n
    result[0] = tuple(
        program.sum((1, x[0][part]), *((1, sums[j][part]) for j in half)) for part in range(2)
    )
    for k in half:
        even, odd = (
            tuple(
                program.sum(*((1, v) for v in start), *((wave(Fraction(j * k, n)), values[j][part]) for j in half))
                for part, start in enumerate(starts)
            )
            for wave, values, starts in (
                (cosine, sums, ((x[0][0],), (x[0][1],))),
                (sine, differences, ((), ())),
            )
        )
        turned = (negative(odd[1]), odd[0]) if sign > 0 else (odd[1], negative(odd[0]))
        result[k] = program.add(even, turned)
        result[n - k] = program.subtract(even, turned)
    return result


def transform(program, x, sign):
    n = len(x)
    parts = split(n)
    if parts is None:
        return transform_prime(program, x, sign)
    n1, n2, _ = parts
    real = all(value[1] is None for value in x)
    stage = [
        transform(program, [x[parts.input(m1, m2)] for m1 in range(n1)], sign) for m2 in range(n2)
    ]
    result = [None] * n
    for q1 in range(n1 // 2 + 1 if real else n1):
        column = [
            program.turn(stage[m2][q1], sign * parts.factor(m2, q1)) for m2 in range(n2)
        ]
        for q2, value in enumerate(transform(program, column, sign)):
            result[parts.output(q1, q2)] = value
    return [conjugate(result[n - q]) if result[q] is None else result[q] for q in range(n)]


def transform_to_real_prime(program, x, sign):
    n = len(x)
    if n == 2:
        return [
            program.sum((1, x[0][0]), (1, x[1][0])),
            program.sum((1, x[0][0]), (-1, x[1][0])),
        ]
    half = range(1, n // 2 + 1)
    result = [None] * n
    result[0] = program.sum((1, x[0][0]), (2, program.sum(*((1, x[j][0]) for j in half))))
    for k in half:
        turns = {j: Fraction(j * k, n) for j in half}
        even = program.sum((1, x[0][0]), *((cosine(turns[j], 2), x[j][0]) for j in half))
        odd = program.sum(*((sine(turns[j], -2 * sign), x[j][1]) for j in half))
        result[k] = program.sum((1, even), (1, odd))
        result[n - k] = program.sum((1, even), (-1, odd))
    return result


def transform_to_real(program, x, sign):
    """x[N - k] is the conjugate of x[k]; so it is for the values between the stages."""
    n = len(x)
    parts = split(n)
    if parts is None:
        return transform_to_real_prime(program, x, sign)
    n1, n2, coprime = parts
    stage = [None] * n2
    for m2 in range(n2 // 2 + 1):
        row = [x[parts.input(m1, m2)] for m1 in range(n1)]
        if m2 == 0 or (coprime and 2 * m2 == n2):
            stage[m2] = [(value, None) for value in transform_to_real(program, row, sign)]
        else:
            stage[m2] = [
                program.turn(value, sign * parts.factor(m2, q1))
                for q1, value in enumerate(transform(program, row, sign))
            ]
    for m2 in range(n2 // 2 + 1, n2):
        stage[m2] = [conjugate(value) for value in stage[n2 - m2]]
    result = [None] * n
    for q1 in range(n1):
        column = [stage[m2][q1] for m2 in range(n2)]
        for q2, value in enumerate(transform_to_real(program, column, sign)):
            result[parts.output(q1, q2)] = value
    return result


# What is written: a program with its outputs, and its definition


def parts_of(index):
    return (f"x{index}r", f"x{index}i")


def complex_input(index):
    real, imaginary = parts_of(index)
    return ((1, real), (1, imaginary))


class Codelet(NamedTuple):
    name: str
    steps: list
    inputs: list  # of names; real and imaginary parts in turn where complex
    outputs: list  # of values, likewise
    complex_in: bool
    complex_out: bool
    definition: list  # of rows, one an output: a Constant an input
    limited: str  # "in" or "out": only the first `count` values are there


def wave_row(n, k, count, sign, imaginary):
    """The row of output k for complex inputs 0 to count - 1: c x_r - s x_i, s x_r + c x_i."""
    row = []
    for m in range(count):
        turn = Fraction(sign * m * k, n)
        row += [sine(turn), cosine(turn)] if imaginary else [cosine(turn), sine(turn, -1)]
    return row


def real_codelet(n):
    program = Program()
    inputs = [f"x{m}" for m in range(n)]
    result = transform(program, [((1, name), None) for name in inputs], -1)
    half = range(n // 2 + 1)
    rows = [wave_row(n, k, n, -1, part == 1)[::2] for k in half for part in range(2)]
    outputs = [value for k in half for value in result[k]]
    return Codelet("real", program.steps, inputs, outputs, False, True, rows, "in")


def complex_codelet(n):
    program = Program()
    result = transform(program, [complex_input(m) for m in range(n)], -1)
    rows = [wave_row(n, k, n, -1, part == 1) for k in range(n) for part in range(2)]
    inputs = [part for m in range(n) for part in parts_of(m)]
    outputs = [value for k in range(n) for value in result[k]]
    return Codelet("complex", program.steps, inputs, outputs, True, True, rows, "in")


def real_inverse_codelet(n):
    program = Program()
    alone = [k for k in range(n // 2 + 1) if 2 * k % n == 0]  # their own conjugates: real
    spectrum = [complex_input(k) for k in range(n // 2 + 1)]
    for k in alone:
        spectrum[k] = (spectrum[k][0], None)
    spectrum += [conjugate(spectrum[n - k]) for k in range(n // 2 + 1, n)]
    outputs = transform_to_real(program, spectrum, 1)
    inputs = [part for k in range(n // 2 + 1) for part in parts_of(k)]
    rows = []
    for m in range(n):
        row = wave_row(n, m, n // 2 + 1, 1, False)
        for k in range(n // 2 + 1):
            times = 1 if k in alone else 2
            for i in (2 * k, 2 * k + 1):
                row[i] = Constant(row[i].factor * times, row[i].turn)
        rows.append(row)
    return Codelet("real_inverse", program.steps, inputs, outputs, True, False, rows, "out")


# The check


def is_prime(number):
    return all(number % d for d in range(2, math.isqrt(number) + 1))


class Field:
    """Numbers modulo a prime in which there is a root of unity of some order: there cosines are
    (root^k + root^-k) / 2."""

    def __init__(self, order):
        prime = next(p for p in range((1 << 31) // order * order + 1, 1 << 33, order) if is_prime(p))
        self.prime, self.order = prime, order
        divisors = [d for d in range(1, order) if order % d == 0]
        candidates = (pow(g, (prime - 1) // order, prime) for g in range(2, prime))
        self.root = next(r for r in candidates if all(pow(r, d, prime) != 1 for d in divisors))

    def number(self, constant):
        p, power = self.prime, int(constant.turn * self.order)
        assert Fraction(power, self.order) == constant.turn
        wave = pow(self.root, power, p) + pow(self.root, self.order - power, p)
        factor = constant.factor.numerator * pow(constant.factor.denominator, -1, p)
        return factor * wave * pow(2, -1, p) % p


def check(n, codelet):
    """Follows the steps with rows of the unit matrix as inputs."""
    field = Field(math.lcm(12, 4 * n))
    count = len(codelet.inputs)
    values = {
        name: [int(i == j) for j in range(count)] for i, name in enumerate(codelet.inputs)
    }
    for step in codelet.steps:
        terms = [(field.number(c), values[name]) for c, name in step.terms]
        values[step.name] = [sum(c * row[i] for c, row in terms) % field.prime for i in range(count)]
    for output, definition in zip(codelet.outputs, codelet.definition, strict=True):
        row = [0] * count if output is None else values[output[1]]
        sign = 1 if output is None else output[0]
        assert [sign * v % field.prime for v in row] == [field.number(c) for c in definition]


# C


def literal(number):
    text = f"{float(number):.9g}"
    return f"{text if '.' in text or 'e' in text else text + '.0'}F"


def constant(number):
    return f"ninp_set({literal(number)})"


def expression(terms):
    """Fused operations where there is a factor; -c * x shares the constant of c * x."""
    first, name = terms[0]
    text = name if float(first) == 1.0 else f"ninp_mulv({constant(first)}, {name})"
    for c, name in terms[1:]:
        number = float(c)
        if abs(number) == 1.0:
            text = f"{'ninp_addv' if number > 0 else 'ninp_subv'}({text}, {name})"
        else:
            call = "ninp_fma" if number > 0 else "ninp_fnma"
            text = f"{call}({constant(abs(number))}, {name}, {text})"
    return text


def needed_steps(codelet):
    """The steps that outputs depend on."""
    needed = {output[1] for output in codelet.outputs if output is not None}
    steps = []
    for step in reversed(codelet.steps):
        if step.name in needed:
            needed.update(name for _, name in step.terms)
            steps.append(step)
    return steps[::-1]


class Writer:
    """Loads values before they are first used and stores them once they are there."""

    def __init__(self, codelet):
        self.codelet = codelet
        self.both_complex = codelet.complex_in and codelet.complex_out
        self.lines = []
        self.loaded = set()
        self.places = {name: i for i, name in enumerate(codelet.inputs)}
        self.waiting = {}
        for i, output in enumerate(codelet.outputs):
            self.waiting.setdefault(output and output[1], []).append((i, output))

    def place(self, pointer, index, is_complex):
        """Where value `index` lies, and its number where it is not always there, or None."""
        number, part = divmod(index, 2) if is_complex else (index, 0)
        behind = "imaginary" if self.both_complex else "16"
        text = f"{pointer} + {number} * {pointer}_stride{f' + {behind}' if part else ''}"
        return text, number if self.codelet.limited == pointer and number > 0 else None

    def load(self, name):
        if name not in self.places or name in self.loaded:
            return
        self.loaded.add(name)
        where, number = self.place("in", self.places[name], self.codelet.complex_in)
        value = f"ninp_load({where})"
        if number is not None:
            value = f"{number} < count ? {value} : ninp_zero()"
        self.lines.append(f"    const ninp_v {name} = {value};")

    def store(self, name):
        for i, output in self.waiting.pop(name, []):
            where, number = self.place("out", i, self.codelet.complex_out)
            value = "ninp_zero()" if output is None else name
            if output is not None and output[0] < 0:
                value = f"ninp_subv(ninp_zero(), {name})"
            line = f"ninp_store({where}, {value});"
            if number is not None:
                line = f"if ({number} < count) {{ {line} }}"
            self.lines.append(f"    {line}")

    def write(self):
        self.store(None)
        for step in needed_steps(self.codelet):
            for _, name in step.terms:
                self.load(name)
            self.lines.append(f"    const ninp_v {step.name} = {expression(step.terms)};")
            self.store(step.name)
        assert not self.waiting
        return self.lines


def function(n, codelet):
    head = f"void NINP_FOR_ISA(ninp_fft_{codelet.name}_{n})("
    arguments = ["int count, const float *in, size_t in_stride, float *out, size_t out_stride"]
    if codelet.complex_in and codelet.complex_out:
        arguments.append("ptrdiff_t imaginary")
    lines = [head + (",\n" + " " * len(head)).join(arguments) + ") {"]
    return "\n".join(lines + Writer(codelet).write() + ["}", ""])


def waves(n):
    rows = (
        ", ".join(
            f"{{{literal(cosine(Fraction(j * k, n)))}, {literal(sine(Fraction(j * k, n)))}}}"
            for j in range(TURNS + 1)
        )
        for k in range(n // 2 + 1)
    )
    head = f"const float NINP_FOR_ISA(ninp_fft_waves_{n})[{n // 2 + 1}][{TURNS + 1}][2] = {{"
    return "\n".join([head, ",\n".join(f"    {{{row}}}" for row in rows) + "};", ""])


def codelets(n):
    parts = []
    for codelet in (real_codelet(n), complex_codelet(n), real_inverse_codelet(n)):
        check(n, codelet)
        parts.append(function(n, codelet))
    return "\n".join([*parts, waves(n)])


def header(name, lines):
    guard = "NINP_" + name.upper().replace(".", "_")
    return "\n".join(
        [
            "/* Fourier transforms of small sizes. Written by generate.py. */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *lines,
            "#endif",
            "",
        ]
    )


def part_name(part):
    return f"fft_codelets_{part + 1}.h"


def headers():
    """Name and text of each file. Parts get about as much code each: the largest size first, to
    whoever has least."""
    parts = [[] for _ in range(PARTS)]
    for code in sorted((codelets(n) for n in SIZES), key=len, reverse=True):
        min(parts, key=lambda part: sum(map(len, part))).append(code)
    sizes = " ".join(f"X({n})" for n in SIZES)
    yield "fft_codelets.h", header("fft_codelets.h", [f"#define NINP_FFT_EACH_SIZE(X) {sizes}", ""])
    for number, part in enumerate(parts):
        yield part_name(number), header(part_name(number), ["#include <stddef.h>", "", *part])


def main(arguments):
    if arguments == ["--list"]:
        print("fft_codelets.h", *map(part_name, range(PARTS)))
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        folder = Path(arguments[0])
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in headers():
            (folder / name).write_text(text)
    else:
        sys.exit("usage: generate.py OUTDIR | --list")


if __name__ == "__main__":
    main(sys.argv[1:])
