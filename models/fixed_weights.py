"""Random weights that are the same bits on every platform, so that a seed can stand for them.

`jax.random` and `numpy.random.Generator.normal` promise no stable stream, and a logarithm differs
between maths libraries. Here raw 64-bit words of the counter-based Philox generator (Salmon et al.,
2011), whose stream NumPy does guarantee, become floats by exact integer and IEEE-754 arithmetic.
"""

import hashlib

import numpy as np

_UNIFORMS_PER_NORMAL = 12
_BLOCK = 2**16
_WORDS_PER_NORMAL = _UNIFORMS_PER_NORMAL // 4  # Four 16-bit uniforms in a 64-bit word.


def standard_normal(seed: int, stream: int, size: int) -> np.ndarray:
    """Approximately normal draws: the standardised sum of twelve 16-bit uniforms (Irwin-Hall).

    With U uniform on 0..65535, the sum's variance is ``12 var(U) = 65536^2 - 1``. So
    ``z = (sum - 12*65535/2) / 65536`` has variance 1 to ten digits, is bounded by 6, and is exact in float32:
    no rounding takes place.

    Args:
        seed: which random network, 0 or greater.
        stream: which matrix of it.
        size: how many numbers.

    Returns:
        [size] float32.
    """
    if seed < 0:
        raise ValueError(f"seed (={seed}) must not be negative")
    generator, drawn = np.random.Philox(key=[seed, stream]), np.empty(size, np.float32)
    for start in range(0, size, _BLOCK):  # All at once would take 56 bytes a number.
        block = drawn[start : start + _BLOCK]
        words = generator.random_raw(len(block) * _WORDS_PER_NORMAL)
        uniforms = words.astype("<u8").view("<u2").reshape(len(block), _UNIFORMS_PER_NORMAL)
        doubled = 2 * uniforms.sum(axis=1, dtype=np.int32) - _UNIFORMS_PER_NORMAL * 65535
        block[:] = doubled.astype(np.float32) / np.float32(2 * 65536)
    return drawn


def lecun_normal(seed: int, stream: int, shape: tuple[int, ...]) -> np.ndarray:
    """LeCun initialisation (section 6.2): zero mean, variance ``1 / fan_in``. Float32, `shape`."""
    fan_in, _ = shape
    z = standard_normal(seed, stream, int(np.prod(shape)))
    for start in range(0, z.size, _BLOCK):
        block = z[start : start + _BLOCK]
        block[:] = (block.astype(np.float64) / np.sqrt(np.float64(fan_in))).astype(np.float32)
    return z.reshape(shape)


def sha256(*arrays: np.ndarray) -> str:
    """Hex digest over shapes and little-endian float32 contents, in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(tuple(array.shape)).encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()
