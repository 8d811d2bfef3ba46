"""Operators: frozen records that know their own FLOPs and their bytes by tensor kind. Devices add time and energy.

Shapes are those of one call on one device; `count` in the graph says how often the call repeats. FLOPs count a
multiply-add as two. Bytes are the compulsory ones: each tensor read or written once.
"""

from hwsim.operators.attention import Attention
from hwsim.operators.base import Operator, TensorKind
from hwsim.operators.collective import Collective
from hwsim.operators.experts import MixtureOfExperts
from hwsim.operators.host import HostStep
from hwsim.operators.matmul import SCALINGS, Matmul
from hwsim.operators.memory_bound import Elementwise, Gather, Norm, Softmax
from hwsim.operators.recurrent import Recurrent
from hwsim.operators.vision import Convolution

__all__ = [
    "SCALINGS",
    "Attention",
    "Collective",
    "Convolution",
    "Elementwise",
    "Gather",
    "HostStep",
    "Matmul",
    "MixtureOfExperts",
    "Norm",
    "Operator",
    "Recurrent",
    "Softmax",
    "TensorKind",
]
