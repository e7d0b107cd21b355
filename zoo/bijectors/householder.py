"""Orthogonal matrices as products of reflections."""

from keras import ops


def orthonormal(vectors, columns):
    """The first columns of a product of Householder reflections `H_i = I - 2 v_i v_i^T / |v_i|^2`.

    Orthonormal to rounding at any vectors: one that is zero reflects nothing. Computed in the
    compact form `H_1 ... H_k = I - V^T T V`, with the unit vectors as the rows of `V` and the
    inverse of `T` upper triangular, `1/2` on its diagonal and `v_i.v_j` above it (Joffrain et al.,
    2006, ACM Trans. Math. Softw. 32:2).

    Args:
      vectors: Tensor `[*batch, k, d]`.
      columns: Number of columns `m`.

    Returns:
      Tensor `[*batch, d, m]`.
    """
    count, size = vectors.shape[-2:]
    squares = ops.sum(vectors * vectors, axis=-1, keepdims=True)
    somewhere = squares > 1e-30
    unit = ops.where(somewhere, vectors * ops.rsqrt(ops.where(somewhere, squares, 1.0)), 0.0)
    products = ops.matmul(unit, ops.swapaxes(unit, -1, -2))
    half = 0.5 * ops.eye(count, dtype=vectors.dtype)
    right = ops.solve_triangular(ops.triu(products, 1) + half, unit[..., :columns])
    return ops.eye(size, columns, dtype=vectors.dtype) - ops.matmul(
        ops.swapaxes(unit, -1, -2), right
    )
