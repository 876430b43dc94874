"""The forward pass of all-MiniLM-L6-v2 in numpy: six encoder layers, mean pooling, length 1.

Weights stay the int8 they are on disk and are widened to float a matrix at a time, with the scale applied after the
product: 7 MB of working memory in place of 43 MB that would stay for good, for about 4 ms more a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from kubernaut.adapters.embeddings.onnx_weights import Array

Floats: TypeAlias = npt.NDArray[np.float32]

_HEADS = 12
# As the model was trained; PyTorch's default of 1e-5 would give slightly other vectors.
_EPSILON = 1e-12
_LAYERS = 6
_PREFIX = "inner.embeddings"


@dataclass(frozen=True, slots=True)
class Linear:
    """A quantised matrix with a scale a column, and its bias."""

    weight: Array
    scale: Floats
    bias: Floats

    def __call__(self, values: Floats) -> Floats:
        """The product with the weights, plus the bias."""
        product: Floats = values @ self.weight.astype(np.float32)
        product *= self.scale
        product += self.bias
        return product


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation."""

    gain: Floats
    shift: Floats

    def __call__(self, values: Floats) -> Floats:
        """Every row with mean 0 and variance 1, then gain and shift."""
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + _EPSILON)
        result: Floats = centred / spread * self.gain + self.shift
        return result


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoder layer: attention and a two-step network, each added to its input and normalised."""

    query: Linear
    key: Linear
    value: Linear
    mix: Linear
    mixed: Norm
    widen: Linear
    narrow: Linear
    narrowed: Norm

    def __call__(self, values: Floats) -> Floats:
        """The values after this layer."""
        query, key, value = (_by_head(part(values)) for part in (self.query, self.key, self.value))
        # Scaled dot-product attention (Vaswani et al. 2017, 3.2.1); without a mask, since one text has no padding.
        weights = _softmax(query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1])))
        attended = (weights @ value).transpose(1, 0, 2).reshape(values.shape)
        middle = self.mixed(self.mix(attended) + values)
        return self.narrowed(self.narrow(_gelu(self.widen(middle))) + middle)


class MiniLM:
    """The model, from the arrays of its ONNX file."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._tokens = _rows(weights, "word_embeddings.weight")
        self._positions = _rows(weights, "position_embeddings.weight")
        # BERT tells two texts of a pair apart by it; ours are single, which is the first.
        self._segment = _floats(weights[f"{_PREFIX}.token_type_embeddings.weight"])[0]
        self._norm = _norm(weights, f"{_PREFIX}.LayerNorm")
        # The exporter named the six matrices of a layer by number only; they stand in the order of their use.
        names = [name for name in weights if name.startswith("val_") and name.endswith("_q")]
        if len(names) != 6 * _LAYERS:
            raise ValueError(f"{len(names)} matrices in the model file, {6 * _LAYERS} expected")
        self._layers = [_layer(weights, number, names[6 * number : 6 * number + 6]) for number in range(_LAYERS)]

    def embed(self, tokens: Sequence[int]) -> Floats:
        """The mean of the last layer over all tokens, with length 1."""
        values = _widened(self._tokens, np.asarray(tokens)) + _widened(self._positions, np.arange(len(tokens)))
        values = self._norm(values + self._segment)
        for layer in self._layers:
            values = layer(values)
        mean = values.mean(axis=0)
        result: Floats = mean / np.linalg.norm(mean)
        return result


def _layer(weights: Mapping[str, Array], number: int, names: Sequence[str]) -> Layer:
    place = f"inner.encoder.layer.{number}"
    biases = (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    )
    query, key, value, mix, widen, narrow = (
        Linear(
            weight=weights[name],
            scale=_floats(weights[name.removesuffix("_q") + "_scale"])[0],
            bias=_floats(weights[f"{place}.{bias}.bias"]),
        )
        for name, bias in zip(names, biases, strict=True)
    )
    mixed, narrowed = _norm(weights, f"{place}.attention.output.LayerNorm"), _norm(weights, f"{place}.output.LayerNorm")
    return Layer(query, key, value, mix, mixed, widen, narrow, narrowed)


def _norm(weights: Mapping[str, Array], name: str) -> Norm:
    return Norm(_floats(weights[f"{name}.weight"]), _floats(weights[f"{name}.bias"]))


def _rows(weights: Mapping[str, Array], name: str) -> tuple[Array, Floats]:
    return weights[f"{_PREFIX}.{name}_q"], _floats(weights[f"{_PREFIX}.{name}_scale"])


def _widened(table: tuple[Array, Floats], rows: npt.NDArray[np.intp]) -> Floats:
    quantised, scale = table
    result: Floats = quantised[rows].astype(np.float32) * scale[rows]
    return result


def _floats(array: Array) -> Floats:
    return array.astype(np.float32, copy=False)


def _by_head(values: Floats) -> Floats:
    return values.reshape(len(values), _HEADS, -1).transpose(1, 0, 2)


def _softmax(values: Floats) -> Floats:
    # The largest exponent becomes 0, so none overflows; the quotient is the same.
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    result: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return result


def _gelu(values: Floats) -> Floats:
    result: Floats = np.float32(0.5) * values * (np.float32(1) + _erf(values * np.float32(np.sqrt(0.5))))
    return result


def _erf(values: Floats) -> Floats:
    # numpy has no erf. Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7: finer than float32 itself.
    size = np.abs(values)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    result: Floats = np.copysign(1 - series * np.exp(-size * size), values).astype(np.float32, copy=False)
    return result
