"""ResNet-18 and LSTM for frames and spectrogram segments, alone and side by side (chang2021, 4.4,
4.5 and 5.2.1).

    Stream     f_m = A_m(F_m(x_m)), Eq. 24: an extractor on every step, an aggregator over the steps
    OneStream  a modality alone, rows VM and AM of Table 5.1: FeatureNorm, a dense unit (-c50)
    System     the two systems whose sizes section 4.4 prints: streams or a clip network, one head

The fusion networks of section 5.2 (models/mrpn.py) take two streams and what comes behind them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError
from emolib.models.aggregators import aggregator, counted
from emolib.models.resnet18 import ResNet18

PICTURE = (3, 224, 224)  # a frame
SEGMENT = (1, 257, 250)  # 257 bins by 250 frames, 1.0 s at a hop of 64 (4.5.2)
HIDDEN = 256  # of the head: 1024 -> 256 -> classes


class Stream(nn.Module):
    """One modality: (B, T, C, H, W) and lengths (B,) -> (B, F); F is 512 at full width.

    channels     3 for T frames, 1 for T spectrogram segments
    aggregator_  'LSTM', 'BiLSTM', 'transformer average' or 'average'; None hands on the extractor's
                 feature of the only step
    """

    def __init__(self, channels: int, *, width: int = 64, aggregator_: str | None = "LSTM"):
        super().__init__()
        self.extractor = ResNet18(channels, width=width)
        self.features = self.extractor.features
        self.aggregator = None if aggregator_ is None else aggregator(aggregator_, self.features)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.aggregate(self.extract(x, lengths), lengths)

    def extract(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Features of every step, (B, T, F). Steps beyond `lengths` are not looked at (they would
        move the batch statistics) and are 0."""
        if lengths is None:
            return self.extractor(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        seen = counted(lengths, x.shape[1])  # (B, T)
        features = self.extractor(x[seen])  # (steps that count, F)
        return features.new_zeros(*x.shape[:2], self.features).index_put((seen,), features)

    def aggregate(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, T, F) -> (B, F): for features that were computed before."""
        if self.aggregator is not None:
            return self.aggregator(features, lengths)
        if features.shape[1] != 1:
            raise EmolibError(
                f"a stream without an aggregator takes one step, not {features.shape[1]}"
            )
        return features[:, 0]


class OneStream(nn.Module):
    """A modality alone: Stream, FeatureNorm, DenseUnit; (B, T, C, H, W) -> scores (B, classes)."""

    def __init__(
        self, channels: int, classes: int = 8, *, width: int = 64, aggregator_: str | None = "LSTM"
    ):
        super().__init__()
        self.stream = Stream(channels, width=width, aggregator_=aggregator_)
        self.norm = nn.BatchNorm1d(self.stream.features)
        self.dense = nn.Linear(self.stream.features, classes)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.score(self.stream(x, lengths))

    def score(self, features: Tensor) -> Tensor:
        """(B, F) of the aggregator -> raw scores (B, classes)."""
        return self.dense(self.norm(features))


class System(nn.Module):
    """A system of section 4.4: frames (B, T, 3, H, W), segments (B, S, 1, 257, 250) -> raw scores.

    clips   False: ResNet-18 and LSTM on both, 26,813,704 parameters at 8 classes and full width.
            True: one 3-D ResNet-18 on the frames together and the other's audio extractor without
            LSTM, 44,638,600
    """

    def __init__(self, classes: int = 8, *, clips: bool = False, width: int = 64):
        super().__init__()
        self.clips = clips
        self.image = ResNet18(3, width=width, dims=3) if clips else Stream(3, width=width)
        self.sound = Stream(1, width=width, aggregator_=None if clips else "LSTM")
        self.head = head(self.image.features + self.sound.features, classes)

    def forward(self, frames: Tensor, segments: Tensor) -> Tensor:
        seen = self.image(frames.transpose(1, 2) if self.clips else frames)  # (B, F)
        return self.head(torch.cat([seen, self.sound(segments)], -1))


def head(features: int = 1024, classes: int = 8) -> nn.Sequential:
    """1024 -> 256 ReLU -> classes, 264,456 parameters at 8 classes."""
    return nn.Sequential(nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))


def load_extractor(stream: Stream, weights: dict[str, Tensor]) -> Stream:
    """Give a stream's extractor another's weights, under ResNet18's names; EmolibError where they
    do not fit."""
    try:
        stream.extractor.load_state_dict(weights)
    except RuntimeError as error:
        raise EmolibError(
            "the weights do not fit this extractor "
            f"({str(error).splitlines()[-1].strip()[:120]}); "
            "take those of one of the same width and channels"
        ) from None
    return stream
