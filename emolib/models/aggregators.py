"""What makes one vector of a sequence: A_m of chang2021's Eq. 24, behind the extractor.

Each takes features (B, T, F) and how many steps count in each row (B,), and returns (B, F). Section
5.3.6 tries a bidirectional LSTM and an averaged transformer instead and finds no difference.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from emolib.ground.errors import EmolibError, nearest


class LSTM(nn.Module):
    """One layer, as many units as features (512: 2,101,248 parameters); the last output."""

    def __init__(self, features: int = 512):
        super().__init__()
        self.lstm = nn.LSTM(features, features, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        y = self.steps(x)  # (B, T, F)
        if lengths is None:
            return y[:, -1]
        return y[torch.arange(len(y), device=y.device), lengths - 1]

    def steps(self, x: Tensor) -> Tensor:
        """The output at every step, (B, T, F): what the network thinks so far."""
        return self.lstm(x)[0]


class BiLSTM(nn.Module):
    """Two directions of half the units each; the last output of either, side by side."""

    def __init__(self, features: int = 512):
        super().__init__()
        if features % 2:
            raise EmolibError(
                f"a bidirectional LSTM of {features} features: expected an even number, "
                "half for each direction"
            )
        self.lstm = nn.LSTM(features, features // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is not None:  # the way back must start at each row's own end
            x = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return self.lstm(x)[1][0].transpose(0, 1).flatten(1)  # (B, F)


class TransformerAverage(nn.Module):
    """Encoder layers whose outputs are averaged ("average feature from the decoded outputs").

    heads, layers   8 and 1, ours: the text gives none. No code of position, as in print
    """

    def __init__(self, features: int = 512, *, heads: int = 8, layers: int = 1):
        super().__init__()
        if features % heads:
            raise EmolibError(
                f"a transformer of {features} features is no multiple of its {heads} heads"
            )
        layer = nn.TransformerEncoderLayer(
            features, heads, 2 * features, dropout=0.0, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is None:
            return self.encoder(x).mean(1)
        unseen = ~counted(lengths, x.shape[1])  # (B, T)
        return _mean(self.encoder(x, src_key_padding_mask=unseen), unseen, lengths)


class Average(nn.Module):
    """The mean over the steps: no order, no parameter; the floor for the others."""

    def __init__(self, features: int = 512):
        super().__init__()

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return x.mean(1) if lengths is None else _mean(x, ~counted(lengths, x.shape[1]), lengths)


AGGREGATORS = {
    "LSTM": LSTM,
    "BiLSTM": BiLSTM,
    "transformer average": TransformerAverage,
    "average": Average,
}


def aggregator(name: str, features: int = 512) -> nn.Module:
    """The aggregator of that name; an unknown one is an error with the nearest."""
    if name not in AGGREGATORS:
        raise nearest(name, AGGREGATORS, what="aggregator")
    return AGGREGATORS[name](features)


def counted(lengths: Tensor, steps: int) -> Tensor:
    """Bool (B, T): which steps count, the first `lengths` of each row."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def _mean(x: Tensor, unseen: Tensor, lengths: Tensor) -> Tensor:
    return x.masked_fill(unseen[..., None], 0.0).sum(1) / lengths[:, None]  # (B, F)
