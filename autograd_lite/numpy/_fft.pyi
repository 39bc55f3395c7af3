from autograd_lite.numpy._functions import _array

fftfreq = fftshift = ifftshift = rfftfreq = _array
