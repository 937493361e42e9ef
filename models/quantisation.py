"""The hardware's scale, for training with its rounding: that of ``hardware.quantize``."""

from torch import Tensor

from models.specification import Quantisation


def scale_of(weight: Tensor, recurrent: Tensor | None, threshold: float, bits: Quantisation) -> float:
    """The value of one unit of a layer's weights and membrane potential::

    max( max|weight| / (2^(weight_bits - 1) - 1),  threshold / (2^(membrane_bits - 1) - 2) )
    """
    largest: float = max(float(each.detach().abs().max()) for each in (weight, recurrent) if each is not None)
    tops = 2.0 ** (bits.weight_bits - 1) - 1.0, 2.0 ** (bits.membrane_bits - 1) - 2.0
    return max(largest / tops[0], threshold / tops[1])
