"""How each document writes a derivation, as data: its letters, its signs, and the cost it is for.

`ag.derive(J, notation="001")` finds its notation here.
"""

from __future__ import annotations

import autograd_lite as ag
from nn.closed_form import LOSS_FORMS

NOTATIONS: dict[str, ag.Notation] = {
    n.name: n
    for n in (
        ag.Notation(
            "000",
            about="Document 000: ∂𝓛/∂Z = m ∂𝓙/∂Z and ∂𝓛/∂A = m ∂𝓙/∂A, A^[0] = X",
            letters={
                "W": ("W^[ℓ]", "W^{[ℓ]}"),
                "b": ("b⃗^[ℓ]", r"\vec{b}^{[ℓ]}"),
                "Z": ("Z^[ℓ]", "Z^{[ℓ]}"),
                "A": ("A^[ℓ]", "A^{[ℓ]}"),
                "Y": ("y⃗", r"\vec{y}"),
                "∂": ("∂𝓙/∂@", r"\frac{\partial \mathcal{J}}{\partial @}"),
                "m∂": ("∂𝓛/∂@", r"\frac{\partial \mathcal{L}}{\partial @}"),
                "σ′": ("G^[ℓ]′(@)", r"{G^{[ℓ]}}'(@)"),
            },
            transpose=("ᵀ", "^{T}"),
            bare_transpose=True,
            ones=("1_{@×1}", r"\mathbf{1}_{@\times 1}"),
            row_of_ones=("1_{1×@}", r"\mathbf{1}_{1\times @}"),
            one_output=True,
            cancels=False,
        ),
        ag.Notation(
            "001",
            about="Document 001: Δ = ∂J/∂A, H = ∂J/∂Z, J_N is a column of ones, A^(0) = X, T = Y",
            letters={
                "W": ("W^(ℓ)", "W^{(ℓ)}"),
                "b": ("b^(ℓ)", "b^{(ℓ)}"),
                "Z": ("Z^(ℓ)", "Z^{(ℓ)}"),
                "A": ("A^(ℓ)", "A^{(ℓ)}"),
                "Y": ("T", "T"),
                "∂": ("∂J/∂@", r"\frac{\partial J}{\partial @}"),
                "∂Z": ("H^(ℓ)", "H^{(ℓ)}"),
                "∂A": ("Δ^(ℓ)", r"\Delta^{(ℓ)}"),
            },
            hadamard=(" ⊙ ", r" \odot "),
            transpose=("ᵗ", "^{t}"),
            ones=("J_@", "J_{@}"),
            row_of_ones=("J_@ᵗ", "J_{@}^{t}"),
            count="N",
        ),
        ag.Notation(
            "002",
            about="Document 002: one sample, a^0 = x",
            letters={
                "W": ("W^ℓ", "W^{ℓ}"),
                "b": ("b^ℓ", "b^{ℓ}"),
                "Z": ("z^ℓ", "z^{ℓ}"),
                "A": ("a^ℓ", "a^{ℓ}"),
                "Y": ("y", "y"),
                "∂": ("∂C/∂@", r"\frac{\partial C}{\partial @}"),
                "σ′": ("σ′(@)", r"\sigma'(@)"),
            },
            transpose=("ᵀ", "^{T}"),
            one_sample=True,
            loss="half_squared_error",
            output=("a − y, that of ½ (a − y)²", LOSS_FORMS["half_squared_error"]),
            cancels=False,
            written_out=True,
        ),
        ag.Notation(
            "003",
            about="Document 003: one sample, a row, a^[0] = x",
            letters={
                "W": ("W^[ℓ]", "W^{[ℓ]}"),
                "b": ("b^[ℓ]", "b^{[ℓ]}"),
                "Z": ("z^[ℓ]", "z^{[ℓ]}"),
                "A": ("a^[ℓ]", "a^{[ℓ]}"),
                "Y": ("y", "y"),
                "∂": ("∂ℒ/∂@", r"\frac{\partial \mathcal{L}}{\partial @}"),
                "∂W": ("g^[ℓW]", "g^{[ℓW]}"),
                "∂b": ("g^[ℓb]", "g^{[ℓb]}"),
                "∂Z": ("g^[ℓz]", "g^{[ℓz]}"),
                "∂A": ("g^[ℓa]", "g^{[ℓa]}"),
                "σ′": ("g_h′(@)", "g_h'(@)"),
                "last σ′": ("g_o′(@)", "g_o'(@)"),
            },
            product=(" · ", r" \cdot "),
            transpose=("ᵀ", "^{T}"),
            columns=False,
            one_sample=True,
            loss="binary_cross_entropy",
            output=(
                "(a − y) / (a (1 − a)), that of the cross-entropy",
                LOSS_FORMS["binary_cross_entropy"],
            ),
            cancels=False,
            slope_first=True,
        ),
        ag.Notation(
            "004",
            about="Document 004: one sample, the input is layer 1, a^1 = x",
            letters={
                "W": ("W^ℓ", "W^{ℓ}"),
                "b": ("b^ℓ", r"\vec{b}^{ℓ}"),
                "Z": ("z^ℓ", r"\vec{z}^{ℓ}"),
                "A": ("a^ℓ", r"\vec{a}^{ℓ}"),
                "Y": ("y", r"\vec{y}"),
                "∂": ("d_{@} C", r"\vec{d}_{@} C"),
                "∂W": ("D_{@} C", "D_{@} C"),
                "σ′": ("σ′(@)", r"\vec{\sigma}'(@)"),
            },
            hadamard=(" ⊙ ", r" \odot "),
            outer=(" ⊗ ", r" \otimes "),
            transpose=("ᵗ", "^{t}"),
            first=1,
            one_sample=True,
            loss="half_squared_error",
            output=("a − y, that of ½ ‖y − a‖²", LOSS_FORMS["half_squared_error"]),
            cancels=False,
        ),
    )
}
