"""The multimodal residual perceptron network and what it is compared with (chang2021, section 5.2).

    f^_m = FeatureNorm(f_m)                                                        Eq. 26
    f'_m = f^_m + FeatureNorm(Sigmoid(DenseUnit(f^_m)))        ResPerceptron       Eq. 29
    s    = FusionComponent(g_1, ..., g_M)                      g = f^ or f'        Eq. 27
    s_m  = DenseUnit(g_m), in training only                    side branches       Eq. 31, 32
    L    = L_1 + ... + L_M + L_joint                           multi-term loss     Eq. 28

N0 has the joint score alone (Eq. 30), N1 adds side scores (Eq. 31), N2 residual perceptrons (Eq.
32; Fig. 5.4 and 5.5). With `members` the same words build a stack of networks that train together
(models/members.py): features are then (M, B, F) instead of (B, F). The scores may name classes or
be valence and arousal: the last layer is linear, the loss decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError, nearest
from emolib.models import members as stacked
from emolib.models.resnet_lstm import HIDDEN, Stream

NORMED, UPDATED = "before the block", "after the block"
ACTIVATIONS = {"sigmoid": torch.sigmoid, "relu": torch.relu}


@dataclass(frozen=True)
class Design:
    """Which of the networks of Fig. 5.4, or of ours beside them, this is.

    side        where side scores read: None (no side branches), NORMED (f^, as N1) or UPDATED (f')
    block       a dense unit, an activation and a FeatureNorm in every branch
    shortcut    the block is added to f^ (a residual perceptron) or takes its place
    activation  'sigmoid', or 'relu', which print finds worse (5.2.1, observation 6)
    joint_norm  FeatureNorm after the concatenation (Eq. 26; Eq. 27 has none: chang2021-c13)
    scoring     side scores by Scoring (Eq. 26), not one DenseUnit (Eq. 31, 32: chang2021-c14)
    """

    side: str | None = None
    block: bool = False
    shortcut: bool = True
    activation: str = "sigmoid"
    joint_norm: bool = True
    scoring: bool = False

    def __post_init__(self):
        if self.activation not in ACTIVATIONS:
            raise nearest(self.activation, ACTIVATIONS, what="activation of a residual perceptron")
        if self.side not in (None, NORMED, UPDATED):
            raise nearest(str(self.side), (NORMED, UPDATED), what="place of the side scores")


N0, N1, N2 = Design(), Design(NORMED), Design(UPDATED, block=True)
DESIGNS = {
    "N0": N0,
    "N1": N1,
    "N2": N2,
    "N2, ReLU in the block": replace(N2, activation="relu"),
    "N2, side scores before the block": replace(N2, side=NORMED),
    "N1 + equal block": Design(NORMED, block=True, shortcut=False, activation="relu"),
}


def design(name: str) -> Design:
    """The design of that name; an unknown one is an error with the nearest."""
    if name not in DESIGNS:
        raise nearest(name, DESIGNS, what="fusion network")
    return DESIGNS[name]


# ---------------------------------------------------------------- the words of section 5.2.1


def dense_unit(inputs: int, outputs: int, members: int | None = None) -> nn.Module:
    """DenseUnit: an affine map, of each member its own."""
    return stacked.Linear(members, inputs, outputs) if members else nn.Linear(inputs, outputs)


def feature_norm(features: int, members: int | None = None) -> nn.Module:
    """FeatureNorm: "batch norm is adopted in the current implementation" (5.2.1, item 3)."""
    return stacked.BatchNorm1d(members, features) if members else nn.BatchNorm1d(features)


class Scoring(nn.Sequential):
    """DenseUnit -> ReLU -> FeatureNorm -> DenseUnit (Eq. 25): features -> 256 -> outputs."""

    def __init__(
        self, features: int, outputs: int, *, hidden: int = HIDDEN, members: int | None = None
    ):
        super().__init__(
            dense_unit(features, hidden, members),
            nn.ReLU(),
            feature_norm(hidden, members),
            dense_unit(hidden, outputs, members),
        )


class ResPerceptron(nn.Module):
    """f^ -> f^ + FeatureNorm(Sigmoid(DenseUnit(f^))), Eq. 29; without the shortcut the second part
    of the sum alone."""

    def __init__(
        self,
        features: int = 512,
        *,
        activation: str = "sigmoid",
        shortcut: bool = True,
        members: int | None = None,
    ):
        super().__init__()
        self.dense = dense_unit(features, features, members)
        self.norm = feature_norm(features, members)
        self.activation, self.shortcut = ACTIVATIONS[activation], shortcut

    def forward(self, normed: Tensor) -> Tensor:
        update = self.norm(self.activation(self.dense(normed)))  # (..., B, F)
        return normed + update if self.shortcut else update


class FusionComponent(nn.Module):
    """Concatenate -> FeatureNorm -> Scoring (Eq. 26, 27): g_1 (B, F_1), ... -> (B, outputs)."""

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        hidden: int = HIDDEN,
        joint_norm: bool = True,
        members: int | None = None,
    ):
        super().__init__()
        self.norm = feature_norm(features, members) if joint_norm else nn.Identity()
        self.scoring = Scoring(features, outputs, hidden=hidden, members=members)

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        return self.scoring(self.norm(torch.cat(list(parts), -1)))


# ---------------------------------------------------------------- the networks


class Fusion(nn.Module):
    """From the modalities' features to scores, in any of the designs: what Fig. 5.4 draws.

    features  length of f_m for each modality (two of 512 in print; any number of them, Fig. 5.5)
    outputs   classes, or numbers to regress
    """

    def __init__(
        self,
        features: Sequence[int],
        outputs: int,
        how: Design = N2,
        *,
        hidden: int = HIDDEN,
        members: int | None = None,
    ):
        super().__init__()
        if not features:
            raise EmolibError(
                "a fusion network of no modality: expected the length of at least one feature "
                "vector"
            )

        def block(length):
            choice = {"activation": how.activation, "shortcut": how.shortcut}
            return ResPerceptron(length, members=members, **choice)

        def side(length):
            if how.scoring:
                return Scoring(length, outputs, hidden=hidden, members=members)
            return dense_unit(length, outputs, members)

        self.how = how
        self.norms = nn.ModuleList(feature_norm(n, members) for n in features)
        self.blocks = nn.ModuleList(map(block, features)) if how.block else None
        self.fusion = FusionComponent(
            sum(features), outputs, hidden=hidden, joint_norm=how.joint_norm, members=members
        )
        self.sides = nn.ModuleList(map(side, features)) if how.side else None

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """The joint score (..., B, outputs) alone: at inference the side branches cost nothing."""
        return self.fusion(self.updated(self.normed(features)))

    def all_scores(self, features: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Joint and side scores, for the multi-term loss; a design without side scores has none."""
        normed = self.normed(features)
        updated = self.updated(normed)
        return self.fusion(updated), self.side_scores(normed, updated)

    def alone(self, k: int, feature: Tensor) -> Tensor:
        """The side score of modality `k` from its feature: what is left when the others are not."""
        if self.sides is None:
            raise EmolibError("a fusion network without side scores needs every modality")
        read = self.norms[k](feature)
        if self.how.side == UPDATED and self.blocks is not None:
            read = self.blocks[k](read)
        return self.sides[k](read)

    def normed(self, features: Sequence[Tensor]) -> list[Tensor]:
        """f^ of every modality."""
        if len(features) != len(self.norms):
            raise EmolibError(
                f"a fusion network of {len(self.norms)} modalities was given {len(features)}"
            )
        return [norm(f) for norm, f in zip(self.norms, features, strict=True)]

    def updated(self, normed: list[Tensor]) -> list[Tensor]:
        """g of every modality: f' where there is a block, f^ otherwise."""
        if self.blocks is None:
            return normed
        return [block(f) for block, f in zip(self.blocks, normed, strict=True)]

    def side_scores(self, normed: list[Tensor], updated: list[Tensor]) -> list[Tensor]:
        """One score vector for each modality."""
        if self.sides is None:
            return []
        read = updated if self.how.side == UPDATED else normed
        return [side(g) for side, g in zip(self.sides, read, strict=True)]


class MRPN(nn.Module):
    """A whole system: one stream for each modality (Eq. 24), then Fusion.

    N0, N1 and N2 of frames and sound have 26,818,312, 26,826,520 and 27,353,880 parameters at 8
    classes and full width; without side branches N1 is as large as N0.
    channels     of each modality's pictures: 3 for frames, 1 for spectrogram segments
    aggregator_  'LSTM', 'BiLSTM', 'transformer average' or 'average' (5.3.6)
    """

    def __init__(
        self,
        outputs: int = 8,
        how: Design = N2,
        *,
        channels: Sequence[int] = (3, 1),
        width: int = 64,
        aggregator_: str = "LSTM",
    ):
        super().__init__()
        self.streams = nn.ModuleList(
            Stream(c, width=width, aggregator_=aggregator_) for c in channels
        )
        self.head = Fusion([s.features for s in self.streams], outputs, how)

    def features(
        self, *inputs: Tensor, lengths: Sequence[Tensor | None] | None = None
    ) -> list[Tensor]:
        """f_m of every modality, (B, F) each; inputs (B, T_m, C, H, W), `lengths` says how many
        steps count in each row of each, None for all."""
        lengths = [None] * len(inputs) if lengths is None else lengths
        return [stream(x, n) for stream, x, n in zip(self.streams, inputs, lengths, strict=True)]

    def forward(self, *inputs: Tensor, lengths: Sequence[Tensor | None] | None = None) -> Tensor:
        """The joint score alone, (B, outputs)."""
        return self.head(self.features(*inputs, lengths=lengths))


def multi_term_loss(
    criterion,
    joint: Tensor,
    sides: Sequence[Tensor],
    target: Tensor,
    weights: Sequence[float] | None = None,
) -> Tensor:
    """L = sum of w_m L_m + w L_joint (Eq. 28); criterion(scores, target) -> a scalar.

    weights  one for each side score and, last, one for the joint: 1 in print; others are gradient
             blending (Wang et al. 2020)
    """
    weights = [1.0] * (len(sides) + 1) if weights is None else weights
    if len(weights) != len(sides) + 1:
        raise EmolibError(
            f"multi-term loss: {len(weights)} weights for {len(sides)} side scores and a joint one"
        )
    return sum(w * criterion(s, target) for w, s in zip(weights, [*sides, joint], strict=True))
