"""Elementary functions out of additions, products and the bits of a float32: the same on every target.

Errors are below 4 units in the last place where nothing else is said (tests/test_kernel_functions.py). Polynomials
are least-maximum fits, made by iteratively reweighted least squares in float64. NaN gives NaN.
"""

import math
from collections.abc import Sequence

import numpy as np

from zoo.kernels.scalars import BOOL, INT, Graph, Node

_ROUND = 1.5 * 2**23
"""Adding it rounds a float32 below 2^22 to an integer, which then stands in the last bits."""
_ROUND_BITS = int(np.float32(_ROUND).view(np.int32))
_LARGEST_ANGLE = 1e5
"""Beyond it sine and cosine are not told rather than told wrongly."""
_LOG2_E = 1 / math.log(2)
_LN2 = (0.693145751953125, 1.4286068202862268e-06)
_HALF_PI = (1.5703125, 0.0004837512969970703, 7.549789948768648e-08)
_EXP = (0.5, 0.16666573286056519, 0.04166686162352562, 0.008363739587366581, 0.0013901517959311604)
_LOG = (
    0.3333333134651184,
    -0.24999994039535522,
    0.2000071406364441,
    -0.16668055951595306,
    0.14249320328235626,
    -0.1242017149925232,
    0.11677050590515137,
    -0.11514418572187424,
    0.0703730657696724,
)
_SIN = (-0.1666666716337204, 0.008333331905305386, -0.00019840034656226635, 2.7243277145316824e-06)
_COS = (0.0416666679084301, -0.00138888880610466, 2.4800558094284497e-05, -2.729557309066877e-07)
_ATAN = (
    -0.3333333134651184,
    0.19999755918979645,
    -0.1427890807390213,
    0.11036387830972672,
    -0.08666923642158508,
    0.06271146982908249,
    -0.03611510992050171,
    0.013655434362590313,
    -0.0024234415031969547,
)
_TANH = (-0.333333283662796, 0.13332584500312805, -0.053823813796043396, 0.02087366208434105, -0.005923963151872158)


class Functions:
    """Elementary functions on a graph's nodes."""

    def __init__(self, graph: Graph):
        self.graph, self._op, self._constant = graph, graph.op, graph.constant

    def _mul_add(self, a: Node, b: Node, c: Node) -> Node:
        return self._op("add", self._op("mul", a, b), c)

    def _polynomial(self, x: Node, coefficients: Sequence[float]) -> Node:
        """Horner's rule, lowest power first."""
        total = self._constant(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            total = self._mul_add(total, x, self._constant(coefficient))
        return total

    def _rounded(self, x: Node) -> tuple[Node, Node]:
        """The nearest integer, as a float and as an integer."""
        shifted = self._op("add", x, self._constant(_ROUND))
        integer = self._op("sub", self._op("float_bits", shifted), self._constant(_ROUND_BITS, INT))
        return self._op("sub", shifted, self._constant(_ROUND)), integer

    def _reduced(self, x: Node, count: Node, parts: Sequence[float]) -> Node:
        """``x - count * sum(parts)``, the parts subtracted one by one (Cody and Waite, 1980)."""
        for part in parts:
            x = self._op("sub", x, self._op("mul", count, self._constant(part)))
        return x

    def _power_of_two(self, exponent: Node) -> Node:
        """2^exponent of an integer between -126 and 127."""
        biased = self._op("add", exponent, self._constant(127, INT))
        return self._op("bits_float", self._op("shl", biased, self._constant(23, INT)))

    def exp(self, x: Node) -> Node:
        """e^x; infinite above 88.7, 0 below -104."""
        op = self._op
        x = op("min", op("max", x, self._constant(-104.0)), self._constant(89.0))
        count, integer = self._rounded(op("mul", x, self._constant(_LOG2_E)))
        return self._scaled(self._reduced(x, count, _LN2), integer)

    def exp2(self, x: Node) -> Node:
        """2^x; infinite from 128, 0 below -150."""
        op = self._op
        x = op("min", op("max", x, self._constant(-151.0)), self._constant(129.0))
        count, integer = self._rounded(x)
        return self._scaled(op("mul", op("sub", x, count), self._constant(math.log(2))), integer)

    def _scaled(self, rest: Node, integer: Node) -> Node:
        """e^rest 2^integer, for a rest of at most ln(2) / 2."""
        op = self._op
        tail = op("mul", op("mul", rest, rest), self._polynomial(rest, _EXP))
        near = op("add", op("add", tail, rest), self._constant(1.0))
        half = op("shr", integer, self._constant(1, INT))
        other = op("sub", integer, half)
        return op("mul", op("mul", near, self._power_of_two(half)), self._power_of_two(other))

    def log(self, x: Node) -> Node:
        """Natural logarithm; NaN below 0. Subnormal numbers count as 0."""
        op, constant = self._op, self._constant
        offset = constant(int(np.float32(math.sqrt(0.5)).view(np.int32)), INT)
        bits = op("float_bits", x)
        exponent = op("shr", op("sub", bits, offset), constant(23, INT))
        m = op("sub", op("bits_float", op("sub", bits, op("shl", exponent, constant(23, INT)))), constant(1.0))
        square = op("mul", m, m)
        tail = op("mul", op("mul", square, m), self._polynomial(m, _LOG))
        tail = op("sub", tail, op("mul", square, constant(0.5)))
        count = op("to_float", exponent)
        result = self._mul_add(count, constant(_LN2[1]), tail)
        result = op("add", self._mul_add(count, constant(_LN2[0]), m), result)
        result = op("select", op("lt", x, constant(float(np.finfo(np.float32).tiny))), constant(-math.inf), result)
        result = op("select", op("lt", x, constant(0.0)), constant(math.nan), result)
        usual = op("lt", x, constant(math.inf))
        return op("select", usual, result, op("add", x, x))  # Infinite or NaN, as x is.

    def _sin_cos(self, x: Node, quarter: int) -> Node:
        """sin(x + quarter pi/2)."""
        op, constant = self._op, self._constant
        count, integer = self._rounded(op("mul", x, constant(2 / math.pi)))
        rest = self._reduced(x, count, _HALF_PI)
        square = op("mul", rest, rest)
        sine = self._mul_add(op("mul", square, rest), self._polynomial(square, _SIN), rest)
        cosine = op("sub", constant(1.0), op("mul", square, constant(0.5)))
        cosine = self._mul_add(op("mul", square, square), self._polynomial(square, _COS), cosine)
        turned = op("add", integer, constant(quarter, INT))

        def bit(mask):
            return op("ne", op("and", turned, constant(mask, INT)), constant(0, INT))

        result = op("select", bit(1), cosine, sine)
        result = op("select", bit(2), op("neg", result), result)
        usual = op("lt", op("abs", x), constant(_LARGEST_ANGLE))
        return self._finite_with(op("select", usual, result, constant(math.nan)), x)

    def sin(self, x: Node) -> Node:
        """Sine, for |x| up to 100; up to 10,000 with errors below 2e-7. NaN from `_LARGEST_ANGLE` on."""
        return self._sin_cos(x, 0)

    def cos(self, x: Node) -> Node:
        """Cosine, for |x| up to 100; up to 10,000 with errors below 2e-7. NaN from `_LARGEST_ANGLE` on."""
        return self._sin_cos(x, 1)

    def tan(self, x: Node) -> Node:
        """Tangent, for |x| up to 100, within 6 units in the last place."""
        return self._op("div", self.sin(x), self.cos(x))

    def atan2(self, y: Node, x: Node) -> Node:
        """Angle of the point (x, y), between -pi and pi, the signs of zeros included; NaN if both are infinite."""
        op, constant = self._op, self._constant
        along, across = op("abs", x), op("abs", y)
        steep = op("gt", across, along)
        longer, shorter = op("max", along, across), op("min", along, across)
        ratio = op("div", shorter, op("select", op("eq", longer, constant(0.0)), constant(1.0), longer))
        square = op("mul", ratio, ratio)
        angle = self._mul_add(op("mul", square, ratio), self._polynomial(square, _ATAN), ratio)
        angle = op("select", steep, op("sub", constant(math.pi / 2), angle), angle)
        angle = op("select", self._negative(x), op("sub", constant(math.pi), angle), angle)
        return self._finite_with(op("select", self._negative(y), op("neg", angle), angle), x, y)

    def _finite_with(self, result: Node, *arguments: Node) -> Node:
        """A result that is finite wherever its arguments are, noted as such."""
        self.graph.finite_with.setdefault(result, arguments)
        return result

    def _negative(self, x: Node) -> Node:
        """Whether the sign bit is set."""
        return self._op("lt", self._op("float_bits", x), self._constant(0, INT))

    def atan(self, x: Node) -> Node:
        """Arc tangent."""
        return self.atan2(x, self._constant(1.0))

    def asin(self, x: Node) -> Node:
        """Arc sine; NaN outside -1 to 1."""
        op, one = self._op, self._constant(1.0)
        return self.atan2(x, op("sqrt", op("mul", op("sub", one, x), op("add", one, x))))

    def acos(self, x: Node) -> Node:
        """Arc cosine; NaN outside -1 to 1."""
        op, one = self._op, self._constant(1.0)
        half = self.atan2(op("sqrt", op("sub", one, x)), op("sqrt", op("add", one, x)))
        return op("mul", self._constant(2.0), half)

    def tanh(self, x: Node) -> Node:
        """Hyperbolic tangent."""
        op, constant = self._op, self._constant
        square = op("mul", x, x)
        small = self._mul_add(op("mul", square, x), self._polynomial(square, _TANH), x)
        size = op("abs", x)
        grown = op("add", self.exp(op("mul", constant(2.0), size)), constant(1.0))
        large = op("sub", constant(1.0), op("div", constant(2.0), grown))
        large = op("select", op("lt", x, constant(0.0)), op("neg", large), large)
        return op("select", op("lt", size, constant(0.625)), small, large)

    def logistic(self, x: Node) -> Node:
        """1 / (1 + e^-x)."""
        one = self._constant(1.0)
        return self._op("div", one, self._op("add", one, self.exp(self._op("neg", x))))

    def integer_pow(self, x: Node, exponent: int) -> Node:
        """Whole powers, by squaring."""
        if exponent < 0:
            return self._op("div", self._constant(1.0), self.integer_pow(x, -exponent))
        if exponent == 0:
            return self._constant(1, self.graph.dtypes[x])
        half = self.integer_pow(x, exponent // 2) if exponent > 1 else None
        even = None if half is None else self._op("mul", half, half)
        if exponent % 2 == 0:
            return even
        return x if even is None else self._op("mul", even, x)

    def pow(self, x: Node, exponent: Node) -> Node:
        """x^exponent; NaN of x < 0 where the exponent is not whole.

        With an exponent that is neither a constant nor whole nor 1/2, errors grow with the exponent of the result, to
        150 units in the last place.
        """
        op, constant = self._op, self._constant
        known = self.graph.value(exponent)
        if known is not None and float(known).is_integer() and abs(known) <= 64:
            return self.integer_pow(x, int(known))
        if known is not None and known == 0.5:
            return op("sqrt", x)
        exponent = op("to_float", exponent)
        power = self.exp(op("mul", exponent, self.log(op("abs", x))))
        small = op("lt", op("abs", exponent), constant(2.0**22))  # Larger ones count as whole and even.
        nearest, integer = self._rounded(op("select", small, exponent, constant(0.0)))
        odd = op("ne", op("and", integer, constant(1, INT)), constant(0, INT))
        whole = op("or", op("not", small), op("eq", nearest, exponent))
        turned = op("select", odd, op("neg", power), power)
        below = op("select", whole, turned, op("select", op("lt", x, constant(0.0)), constant(math.nan), power))
        power = op("select", self._negative(x), below, power)
        return op("select", op("eq", exponent, constant(0.0)), constant(1.0), power)

    def sign(self, x: Node) -> Node:
        """-1, 0 or 1; NaN of NaN."""
        op, constant = self._op, self._constant
        if self.graph.dtypes[x] == INT:
            zero, one, minus = (constant(v, INT) for v in (0, 1, -1))
            return op("select", op("gt", x, zero), one, op("select", op("lt", x, zero), minus, zero))
        below = op("select", op("lt", x, constant(0.0)), constant(-1.0), x)  # Zero and NaN are their own sign.
        return op("select", op("gt", x, constant(0.0)), constant(1.0), below)

    def to_bool(self, x: Node) -> Node:
        """Whether a number is not 0."""
        dtype = self.graph.dtypes[x]
        return x if dtype == BOOL else self._op("ne", x, self._constant(0, dtype))
