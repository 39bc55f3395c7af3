from autograd_lite.numpy._functions import _array, _several, _tuple, _value

cholesky = cross = diagonal = eigvalsh = inv = matmul = matrix_power = matrix_transpose = _array
outer = pinv = solve = svdvals = tensordot = tensorinv = tensorsolve = vecdot = _array
cond = det = matrix_norm = matrix_rank = multi_dot = norm = trace = vector_norm = _value
lstsq = _tuple
eigh = qr = slogdet = svd = _several
