"""The viewer's formulas, worked out: a reader of their notation, with NumPy behind every sign and word.

    value(formula, names, shape)        the gradient that a formula gives, in the shape of its input

names: the arrays and attributes that the formula speaks of. Letters in square brackets are indices, of which those in
front of `=` name an element of the gradient; outside an array, and between two of its places, there is 0.
"""

from __future__ import annotations

import re
from math import erf

import numpy as np

from tinygrad_cnn.ops.gamma import digamma, polygamma
from tinygrad_cnn.ops.special import bessel_i1, i0

TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e-?\d+)?|[ΣΠ]|mean(?=_)|[^\W\d]\w*|.)")


class Reader:
    def __init__(self, text, names, shape):
        self.names, self.shape = dict(names), shape
        text = re.sub(r", repeated along axis .*$", "", text)  # as broadcasting does
        text, *self.meant = text.split(", where ")
        prefix = re.match(r"\[([^\]]*)\] = ", text)
        self.letters = {}
        self.text = text[prefix.end() :] if prefix else text
        own = prefix[1].split(", ") if prefix else []
        summed = [
            letter for group in re.findall(r"[ΣΠ]_\{([a-z][^}]*)\}", text) for letter in re.findall(r"\b[a-z]\b", group)
        ]
        if prefix:
            letters = list(dict.fromkeys(own + summed))
            for k, letter in enumerate(letters):
                n = shape[k] if k < len(own) else self.range(letter)
                self.letters[letter] = np.arange(n).reshape(n, *(1,) * (len(letters) - 1 - k))
        self.own = len(own)

    def range(self, letter):
        for name, indices in re.findall(r"(\w+)\[((?:[^\[\]])*)\]", self.text):
            places = [p.strip() for p in indices.split(",")]
            if letter in places and name in self.names:
                return self.names[name].shape[places.index(letter)]
        raise ValueError(f"{letter} is nowhere an index by itself: {self.text}")

    def value(self):
        for meaning in re.split(r", (?=\w+ = )", ", ".join(self.meant)):
            if " = " in meaning:
                name, _, text = meaning.partition(" = ")
                self.names[name.strip()] = self.read(text)
        out = np.asarray(self.read(self.text), float)
        if self.letters:
            full = np.broadcast_shapes(out.shape, (*self.shape, *(1,) * (len(self.letters) - self.own)))
            return np.broadcast_to(out, full).reshape(self.shape)
        return fitted(out, self.shape)

    def read(self, text):
        self.tokens = [t for t in TOKEN.findall(text) if t.strip()]
        self.at = 0
        out = self.cases()
        assert self.at == len(self.tokens), f"left over: {self.tokens[self.at :]} of {text}"
        return out

    def peek(self, ahead=0):
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def take(self, token=None):
        found = self.peek()
        assert token in (None, found), f"expected {token}, found {found} in {''.join(self.tokens)}"
        self.at += 1
        return found

    def cases(self):
        out = self.sum()
        if self.peek() != "if":
            return out
        self.take()
        condition = self.atom()
        self.take(",")
        self.take("else")
        return np.where(condition, out, self.cases())

    def sum(self):
        sign = -1 if self.peek() == "−" else 1
        if sign < 0:
            self.take()
        out = sign * self.product()
        while self.peek() in "+−" and self.peek():
            out = out + self.product() if self.take() == "+" else out - self.product()
        return out

    def product(self):
        if self.is_big():
            return self.big()
        out = self.power()
        while self.peek() in ("·", "/", "@"):
            sign = self.take()
            other = self.big() if self.is_big() else self.power()
            out = out * other if sign == "·" else out @ other if sign == "@" else out / other
        return out

    def is_big(self):
        return self.peek() in BIG and (self.peek() != "mean" or re.fullmatch(r"_|\(|\w+", self.peek(1)) is not None)

    def big(self):
        sign, group = self.take(), ""
        if self.peek() == "_":
            self.take("_")
            self.take("{")
            while self.peek() != "}":
                group += self.take() + " "
            self.take("}")
        if group.strip() in self.names.get("phrases", {}):
            return self.names["phrases"][group.strip()](self.product())
        if group.startswith(("axis", "axes")):
            axes = tuple(int(t) for t in re.findall(r"\d+", group))
            term = np.asarray(self.product())
            return BIG[sign](term, axis=axes, keepdims=True) if term.ndim else term  # a number has one axis to speak of
        if not group:
            return BIG[sign](self.product())
        condition, letters = None, []
        for part in group.split(","):
            words = part.split()
            letters.append(words[0]) if words[0] not in letters else None
            if len(words) == 3:
                this = COMPARE[words[1]](self.letters[words[0]], self.letters[words[2]])
                condition = this if condition is None else condition & this
        term = self.product()
        if condition is not None:
            term = np.where(condition, term, 0.0 if sign == "Σ" else 1.0)
        axes = tuple(list(self.letters).index(letter) for letter in letters)
        lengths = [a.size for a in self.letters.values()]
        now = np.broadcast_shapes(np.shape(term), (1,) * len(lengths))
        whole = np.broadcast_to(
            term, [n if k in axes else m for k, (n, m) in enumerate(zip(lengths, now, strict=True))]
        )
        return BIG[sign](whole, axis=axes, keepdims=True)

    def power(self):
        out = self.atom()
        while self.peek() in ("^", "²"):
            if self.take() == "²":
                out = out**2
                continue
            if self.peek() == "{":
                self.take()
                if self.peek() == "T":
                    self.take()
                    out = np.swapaxes(out, -1, -2)
                else:
                    out = out ** self.cases()
                self.take("}")
            else:
                out = out ** self.atom()
        return out

    def atom(self):
        token = self.take()
        if token[0].isdigit():
            return float(token)
        if token in ("π", "∞"):
            return np.pi if token == "π" else np.inf
        if token == "−":
            return -self.power()
        if token == "¬":
            return np.logical_not(self.atom())
        if token == "√":
            return np.sqrt(self.atom())
        if token == "(":
            out = [self.cases()]
            while self.peek() == ",":
                self.take()
                if self.peek() != ")":
                    out.append(self.cases())
                else:
                    self.take(")")
                    return tuple(out)
            self.take(")")
            return out[0] if len(out) == 1 else tuple(out)
        if token == "[":
            out = self.condition()
            self.take("]")
            return out
        if token == "e" and self.peek() == "^":
            self.take()
            self.take("{")
            out = np.exp(self.cases())
            self.take("}")
            return out
        if token in self.letters and self.peek() != "[":
            return self.letters[token]
        if self.peek() == "(":
            self.take()
            given = []
            while self.peek() != ")":
                given.append(self.cases())
                if self.peek() == ",":
                    self.take()
            self.take(")")
            return (self.names.get("words", {}).get(token) or FUNCTIONS[token])(*given)
        if token[-1] == "_" and self.peek() == "{":  # one of several, by its name
            self.take()
            token += self.take()
            self.take("}")
        found = self.names[token]
        if self.peek() != "[":
            return found
        self.take()
        indices = []
        while self.peek() != "]":
            if self.peek() in "nc" and not self.letters:  # an example, a channel
                indices.append(self.take())
            else:
                indices.append(self.cases())
            if self.peek() == ",":
                self.take()
        self.take("]")
        if not self.letters:
            place = "nc".index(indices[0])
            return np.reshape(
                found, (*(1,) * place, -1, *(1,) * (max(self.names["g"].ndim, len(self.shape)) - 1 - place))
            )
        return looked_up(found, indices)

    def condition(self):
        out = None
        while True:
            how = None if out is None else self.take()
            one = self.atom() if self.peek() == "[" else None
            if one is None:
                left = self.sum()
                one = np.asarray(True) if self.peek() in COMPARE else np.asarray(left, bool)
                while self.peek() in COMPARE:
                    sign, right = self.take(), self.sum()
                    one, left = one & COMPARE[sign](left, right), right
            out = one if out is None else out & one if how == "and" else out | one
            if self.peek() not in ("and", "or"):
                return out


BIG = {"Σ": np.sum, "Π": np.prod, "mean": np.mean}
COMPARE = {
    ">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal, "≠": np.not_equal,
}  # fmt: skip


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, float)))


def softplus(x):
    return np.logaddexp(0, x)


def held(x, low, high):
    return np.minimum(np.maximum(x, low), high)


def one_hot(target, classes):
    return np.moveaxis(np.eye(int(classes))[np.asarray(target, int)], -1, min(1, np.ndim(target)))


def softmax(x):
    p = np.exp(x - x.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def skew(x):
    return x - x.mT


def gaps(values):
    """Of each to each; 1 on the diagonal, where nothing is divided."""
    return values[..., None, :] - values[..., :, None] + np.eye(values.shape[-1])


def corner(block):
    n = block.shape[-1] // 2
    return block[..., :n, n:]


def np_exp(x):
    total = term = np.eye(x.shape[-1])
    for k in range(1, 60):
        term = term @ x / k
        total = total + term
    return total


@np.vectorize(signature="(n,n)->(n,n)")
def cofactors(x):
    minors = [[np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) for j in range(len(x))] for i in range(len(x))]
    return np.array(minors) * (-1.0) ** np.add.outer(range(len(x)), range(len(x)))


def ints(x):
    return tuple(int(v) for v in x) if isinstance(x, tuple) else int(x)


def polar(x):
    u, _, v = np.linalg.svd(x, full_matrices=False)
    return u @ v


FUNCTIONS = {
    "exp": np.exp, "ln": np.log, "abs": np.abs, "sin": np.sin, "cos": np.cos, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "sign": np.sign, "trunc": np.trunc, "floor": np.floor, "isnan": np.isnan, "isfinite": np.isfinite,
    "sigmoid": sigmoid, "logsigmoid": lambda x: -softplus(-x), "softplus": softplus, "clamp": held, "min": np.minimum,
    "max": np.maximum, "floor_divide": lambda a, b: np.floor(a / b), "softmax": softmax, "onehot": one_hot,
    "Φ": lambda x: 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2))),
    "φ": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "exp2": np.exp2, "i0": i0, "bessel_i1": bessel_i1, "digamma": digamma,
    "polygamma": lambda n, x: polygamma(int(n), x),
    "reshape": lambda g: g, "permute": lambda g, dims: np.transpose(g, ints(dims)),
    "transpose": lambda g, a, b: np.swapaxes(g, int(a), int(b)) if np.ndim(g) else g,
    "flip": lambda g, dims: np.flip(g, ints(dims)), "roll": lambda g, n, dims=None: np.roll(
        g, ints(n), None if dims is None or dims == () else ints(dims)), "tril": lambda g, k: np.tril(g, int(k)),
    "triu": lambda g, k: np.triu(g, int(k)),
    "inv": np.linalg.inv, "solve": np.linalg.solve, "cofactors": cofactors,
    "cross": lambda a, b, dim: np.cross(a, b, axis=int(dim)),
    "sym": lambda x: (x + x.mT) / 2, "half": lambda x: (np.tril(x) + np.tril(x, -1)) / 2, "skew": skew, "gaps": gaps,
    "copied": lambda x: np.tril(x) + np.tril(x, -1).mT, "unit": lambda x: np.tril(x, -1) + np.eye(len(x)),
    "diag": lambda v: v[..., None] * np.eye(v.shape[-1]), "across": lambda u, g: g - u @ (u.mT @ g),
    "matrix_exp": np_exp, "corner": corner, "block": lambda a, g: np.block([[a, g], [a * 0, a]]),
}  # fmt: skip


def looked_up(array, indices):
    """The elements at these indices, 0 where there are none."""
    indices = [np.asarray(i, float) for i in indices]
    whole = [np.round(i) for i in indices]
    there = True
    for i, w, n in zip(indices, whole, array.shape, strict=True):
        there = there & (np.abs(i - w) < 1e-9) & (w >= 0) & (w < n)
    places = [np.clip(w, 0, n - 1).astype(int) for w, n in zip(whole, array.shape, strict=True)]
    return np.where(there, array[tuple(places)], 0)


def fitted(out, shape):
    """As a contribution is: summed over what was broadcast, and broadcast to where one number is for many."""
    if out.shape == tuple(shape):
        return out
    if out.size == np.prod(shape):
        return out.reshape(shape)
    extra = out.ndim - len(shape)
    if extra > 0:
        out = out.sum(tuple(range(extra)))
    if out.ndim == len(shape):
        out = out.sum(tuple(i for i, n in enumerate(shape) if n == 1 != out.shape[i]), keepdims=True)
    return np.broadcast_to(out, shape)


def value(formula, names, shape):
    return Reader(formula, names, shape).value()
