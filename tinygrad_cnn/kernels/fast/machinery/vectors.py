"""The primitives of formulas on vectors of WIDTH numbers, as LLVM instructions: branch-free, each lane for itself.

Arithmetic is rounded as NumPy rounds it, so it gives the same bits. exp, log, tanh and the error function are within
2 units in the last place of float32 everywhere: the argument is brought into a short interval, exactly, and there the
function is a polynomial that was fitted in 40 digits by the exchange algorithm of Remez (1934). Infinities, NaN, -0.0
and results below the normal range are what they are for NumPy. The way to the interval is that of Cody and Waite
(Software Manual for the Elementary Functions, 1980), with Kahan's correction of the rounded sum for logarithms of
1 + x; the form of erfc is that of Shepherd and Laframboise (Mathematics of Computation 36, 1981).

    Vector      a value with operators; `where`, `fma` and the functions below take and give Vectors
    FUNCTIONS   by the names that formulas have for them
"""

from __future__ import annotations

import math
from collections.abc import Callable

import llvmlite.ir as ir
from numba.core import cgutils

from .micro import WIDTH

SINGLE, DOUBLE, INTEGER, BIT = ir.FloatType(), ir.DoubleType(), ir.IntType(32), ir.IntType(1)
LONG, BYTE = ir.IntType(64), ir.IntType(8)
_SUFFIX = {SINGLE: "f32", DOUBLE: "f64", INTEGER: "i32", LONG: "i64", BYTE: "i8", BIT: "i1"}


class Vector:
    """WIDTH numbers of one kind in a function that is being written; a Python number counts as all lanes of it."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: ir.IRBuilder, value: ir.Value):
        self.builder, self.value = builder, value

    @property
    def kind(self) -> ir.Type:
        return self.value.type.element

    def like(self, number: Vector | float) -> ir.Value:
        if isinstance(number, Vector):
            return number.value
        return ir.Constant(self.value.type, [number] * WIDTH)

    def made(self, value: ir.Value) -> Vector:
        return Vector(self.builder, value)

    def _apply(self, floating: str, integer: str, other: Vector | float, swapped: bool = False) -> Vector:
        name = floating if self.kind in (SINGLE, DOUBLE) else integer
        pair = self.value, self.like(other)
        return self.made(getattr(self.builder, name)(*(pair[::-1] if swapped else pair)))

    def __add__(self, other: Vector | float) -> Vector:
        return self._apply("fadd", "add", other)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._apply("fsub", "sub", other)

    def __rsub__(self, other: float) -> Vector:
        return self._apply("fsub", "sub", other, swapped=True)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._apply("fmul", "mul", other)

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._apply("fdiv", "sdiv", other)

    def __rtruediv__(self, other: float) -> Vector:
        return self._apply("fdiv", "sdiv", other, swapped=True)

    def __neg__(self) -> Vector:
        return self.made(self.builder.fneg(self.value))

    def __and__(self, other: Vector | float) -> Vector:
        return self.made(self.builder.and_(self.value, self.like(other)))

    def __or__(self, other: Vector | float) -> Vector:
        return self.made(self.builder.or_(self.value, self.like(other)))

    def __xor__(self, other: Vector | float) -> Vector:
        return self.made(self.builder.xor(self.value, self.like(other)))

    def __invert__(self) -> Vector:
        return self.made(self.builder.not_(self.value))

    def __lshift__(self, bits: int) -> Vector:
        return self.made(self.builder.shl(self.value, self.like(bits)))

    def __rshift__(self, bits: int) -> Vector:
        """With the sign."""
        return self.made(self.builder.ashr(self.value, self.like(bits)))

    def __lt__(self, other: Vector | float) -> Vector:
        return self.compared("<", other)

    def __le__(self, other: Vector | float) -> Vector:
        return self.compared("<=", other)

    def __gt__(self, other: Vector | float) -> Vector:
        return self.compared(">", other)

    def __ge__(self, other: Vector | float) -> Vector:
        return self.compared(">=", other)

    def compared(self, how: str, other: Vector | float) -> Vector:
        """False where one is NaN, but for "!=", which is true there."""
        b = self.builder
        compare = b.fcmp_unordered if how == "!=" else b.fcmp_ordered
        return self.made(compare(how, self.value, self.like(other)))

    def is_nan(self) -> Vector:
        return self.made(self.builder.fcmp_unordered("uno", self.value, self.value))

    def called(self, name: str, *others: Vector | float) -> Vector:
        """An intrinsic function of LLVM."""
        type_ = self.value.type
        arguments = [self.value, *[self.like(other) for other in others]]
        full = f"llvm.{name}.v{WIDTH}{_SUFFIX[self.kind]}"
        shape = ir.FunctionType(type_, [type_] * len(arguments))
        return self.made(self.builder.call(cgutils.get_or_insert_function(self.builder.module, shape, full), arguments))

    def converted(self, instruction: str, kind: ir.Type) -> Vector:
        return self.made(getattr(self.builder, instruction)(self.value, ir.VectorType(kind, WIDTH)))

    def double(self) -> Vector:
        return self.converted("fpext", DOUBLE)

    def single(self) -> Vector:
        return self.converted("fptrunc", SINGLE)

    def bits(self) -> Vector:
        """The bits of a float32, as an integer."""
        return self.converted("bitcast", INTEGER)


def where(condition: Vector, a: Vector | float, b: Vector | float) -> Vector:
    """a where the bit is set, else b."""
    of = a if isinstance(a, Vector) else b
    assert isinstance(of, Vector)
    return of.made(of.builder.select(condition.value, of.like(a), of.like(b)))


def fma(a: Vector, b: Vector | float, c: Vector | float) -> Vector:
    """a · b + c, rounded once."""
    return a.called("fma", b, c)


def polynomial(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    """Σ coefficients[i] · xⁱ, by Horner's rule."""
    total: Vector = x.made(x.like(coefficients[-1]))
    for c in coefficients[-2::-1]:
        total = fma(total, x, c)
    return total


def power_of_two(n: Vector) -> Vector:
    """2ⁿ of a whole float32, for -126 <= n <= 127."""
    exponent = n.converted("fptosi", INTEGER) + 127
    return (exponent << 23).converted("bitcast", SINGLE)


def scaled(x: Vector, n: Vector) -> Vector:
    """x · 2ⁿ of a whole float32, for -252 <= n <= 254: by one instruction, or in two steps, as 2ⁿ may have no place."""
    if WIDTH == 16:
        mask, mode = ir.Constant(ir.IntType(16), -1), ir.Constant(INTEGER, 4)
        type_ = x.value.type
        shape = ir.FunctionType(type_, [type_, type_, type_, mask.type, mode.type])
        scale = cgutils.get_or_insert_function(x.builder.module, shape, "llvm.x86.avx512.mask.scalef.ps.512")
        return x.made(x.builder.call(scale, [x.value, n.value, x.value, mask, mode]))
    half = (n * 0.5).called("floor")
    return x * power_of_two(half) * power_of_two(n - half)


# Exponentials: x = n · ln 2 + r with |r| <= ln 2 / 2, and e^x = 2ⁿ · e^r.

LN2_HIGH, LN2_LOW = 0.693145751953125, 1.42860682030941723212e-6  # the first has so few bits that n times it is exact
BEND = (0.5, 0.166665181517601, 0.04166620597243309, 0.008368953131139278, 0.0013950596330687404)  # (e^r - 1 - r) / r²


def _reduced(x: Vector, rest: Vector | float = 0.0) -> tuple[Vector, Vector]:
    """n, and e^r - 1, for x + rest."""
    n = (x * (1 / math.log(2))).called("rint")
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x) + rest)
    return n, fma(r * r, polynomial(r, BEND), r)


def exp(x: Vector) -> Vector:
    held = where(x < -104.0, -104.0, where(x > 89.0, 89.0, x))  # NaN is neither, and stays
    n, rest = _reduced(held)
    return scaled(rest + 1.0, n)


def expm1(x: Vector) -> Vector:
    held = where(x < -18.0, -18.0, where(x > 89.0, 89.0, x))
    n, rest = _reduced(held)
    scale = power_of_two(n - 1.0)
    return where(x.compared("==", 0.0), x, fma(scale, rest, scale - 0.5) * 2.0)


def sigmoid(x: Vector) -> Vector:
    """1 / (1 + e^-x)"""
    return 1.0 / (exp(-x) + 1.0)


# Logarithms: x = m · 2ⁿ with √½ <= m < √2, f = m - 1, and ln x = n · ln 2 + ln(1 + f).

# (ln(1 + f) - f + f²/2) / f³
LOG = (
    0.3333331346511841,
    -0.25000008940696716,
    0.2000211924314499,
    -0.1666799634695053,
    0.14219552278518677,
    -0.1240558996796608,
    0.11888162791728973,
    -0.11675650626420975,
    0.0674663782119751,
)
ROOT = 0x3F3504F3  # the bits of √½


def log(x: Vector) -> Vector:
    small = x < 1.1754943508222875e-38  # below the normal numbers
    n, m = _split(where(small, x * 2.0**23, x))
    result = _log(where(small, n - 23.0, n), m - 1.0)
    return _ends_of_log(x, result)


def log1p(x: Vector) -> Vector:
    sum = x + 1.0
    missing = where(x < 1.0, x - (sum - 1.0), 1.0 - (sum - x))  # what rounding the sum has lost, exactly
    n, m = _split(sum)
    least = where(n > 126.0, 126.0, n)
    result = _log(n, fma(missing, power_of_two(-least), m - 1.0))
    return where(x.compared("==", 0.0), x, _ends_of_log(sum, result))


def _split(x: Vector) -> tuple[Vector, Vector]:
    """n and m of a normal number."""
    shifted = x.bits() - ROOT
    n = shifted >> 23
    return n.converted("sitofp", SINGLE), (x.bits() - (n << 23)).converted("bitcast", SINGLE)


def _log(n: Vector, f: Vector) -> Vector:
    square = f * f
    curved = fma(n, LN2_LOW, square * f * polynomial(f, LOG))
    return fma(n, LN2_HIGH, fma(square, -0.5, curved) + f)


def _ends_of_log(x: Vector, result: Vector) -> Vector:
    """ln x where x is no positive number that is finite."""
    result = where(x.compared("==", math.inf), math.inf, result)
    result = where(x.compared("==", 0.0), -math.inf, result)
    return where((x < 0.0) | x.is_nan(), where(x.is_nan(), x, math.nan), result)


# The hyperbolic tangent: x · (1 + x² · P(x²)) near 0, else 1 - 2 / (e^2|x| + 1).

TANH = (-0.3333328068256378, 0.13331443071365356, -0.0537397526204586, 0.020639214664697647, -0.005705136805772781)


def tanh(x: Vector) -> Vector:
    size, square = x.called("fabs"), x * x
    near = fma(square * x, polynomial(square, TANH), x)
    far = 1.0 - 2.0 / (exp(size * 2.0) + 1.0)
    return where(size < 0.625, near, far).called("copysign", x)


# The error function.


# erf(x) / x - 1 as a polynomial of x², for |x| <= 1
ERF = (
    0.1283791657267974,
    -0.376126258246751,
    0.11283585151233505,
    -0.026853811990321785,
    0.005188327729379839,
    -0.0008010193658509674,
    7.853860631578005e-05,
)
# (x + 3) · e^x² · erfc(x) as a polynomial of s = (x - 4) / (x + 3), for x >= 0
ERFC = (
    0.9589962014894278,
    -0.6277955955199753,
    0.34605639410983674,
    -0.15596650246339375,
    0.05412906138570284,
    -0.01234079506762025,
    0.0005892736693205694,
    0.0007825501329680625,
    -0.0002478364112448697,
    -6.98901302284797e-05,
    2.87343058885581e-06,
)
ERFC_LOST = (2.47698e-08, -1.84707e-08)  # of the first two of them, by rounding them to float32
ERFC_SLOPE = (-0.628, 0.692, -0.468, 0.216)  # its derivative, roughly


def erf(x: Vector) -> Vector:
    size = x.called("fabs")
    near = fma(x, polynomial(x * x, ERF), x)
    return where(size < 1.0, near, (1.0 - _erfc(size)).called("copysign", x))


def erfc(x: Vector) -> Vector:
    size = x.called("fabs")
    far = _erfc(size)
    near = fma(-x, polynomial(x * x, ERF), 1.0 - x)
    return where(size < 0.8125, near, where(x < 0.0, 2.0 - far, far))


def _erfc(x: Vector) -> Vector:
    """erfc of x >= 0.8. Each fraction is kept with what was lost when it was rounded."""
    held = where(x > 10.5, 10.5, x)  # where it is 0; NaN stays
    above, below = held - 4.0, held + 3.0
    lost_above, lost_below = held - (above + 4.0), held - (below - 3.0)
    inverse = 1.0 / below
    s = above * inverse
    lost_s = (fma(-s, below, above) + fma(-s, lost_below, lost_above)) * inverse
    rising = polynomial(s, ERFC[1:])
    upper, lost_upper = _sum(s * rising, ERFC[0])
    lost_upper = lost_upper + fma(s, rising, -(s * rising)) + polynomial(s, ERFC_LOST)
    lost_upper = fma(lost_s, polynomial(s, ERFC_SLOPE), lost_upper)
    quotient = upper * inverse
    lost = (fma(-quotient, below, upper) + fma(-quotient, lost_below, lost_upper)) * inverse
    square = held * held
    n, rest = _reduced(-square, -fma(held, held, -square))
    return scaled(fma(rest, quotient, fma(rest, lost, lost)) + quotient, n)


def _sum(a: Vector, b: float) -> tuple[Vector, Vector]:
    """a + b rounded, and what was lost (Knuth, The Art of Computer Programming 2, 4.2.2)."""
    total = a + b
    from_b = total - a
    return total, (a - (total - from_b)) + (b - from_b)


# Choices.


def maximum(a: Vector, b: Vector) -> Vector:
    """The greater, or NaN; b where they are equal."""
    return where((a > b) | a.is_nan(), a, b)


def minimum(a: Vector, b: Vector) -> Vector:
    return where((a < b) | a.is_nan(), a, b)


def fmax(a: Vector, b: Vector) -> Vector:
    """The greater of a number and a number, the number of a number and NaN."""
    return where((a > b) | b.is_nan(), a, b)


def fmin(a: Vector, b: Vector) -> Vector:
    return where((a < b) | b.is_nan(), a, b)


FUNCTIONS: dict[str, Callable[..., Vector]] = {
    **{f.__name__: f for f in (exp, expm1, log, log1p, tanh, erf, erfc, maximum, minimum, fmax, fmin, where)},
    **{name: (lambda x, name=name: x.called(name)) for name in ("sqrt", "floor", "ceil", "trunc", "rint")},
    "choose": where,
    "add": Vector.__add__,
    "sub": Vector.__sub__,
    "mul": Vector.__mul__,
    "div": Vector.__truediv__,
    "neg": Vector.__neg__,
    "abs": lambda x: x.called("fabs"),
    "copysign": lambda a, b: a.called("copysign", b),
    "eq": lambda a, b: a.compared("==", b),
    "ne": lambda a, b: a.compared("!=", b),
    "lt": Vector.__lt__,
    "le": Vector.__le__,
    "gt": Vector.__gt__,
    "ge": Vector.__ge__,
    "and": Vector.__and__,
    "or": Vector.__or__,
    "xor": Vector.__xor__,
    "not": Vector.__invert__,
    "float": lambda b: b.converted("uitofp", SINGLE),
    "isnan": Vector.is_nan,
    "isinf": lambda x: x.called("fabs").compared("==", math.inf),
    "isfinite": lambda x: x.called("fabs") < math.inf,
    "signbit": lambda x: x.made(x.builder.icmp_signed("<", x.bits().value, x.bits().like(0))),
}
