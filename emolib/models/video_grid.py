"""Several video networks as one: blocks apart, the recurrent stage together.

The networks of orgil2021 differ in their blocks and share the shape of LSTM and classifier: a grid
of networks and losses takes each step in time once for all members. All read the same video; member
m is exactly the network that `video.alone` would train (tests/test_video_grid.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError
from emolib.models import members, video


class Grid(nn.Module):
    """Ensembles of `video.Video` whose last blocks have one width, joined behind their blocks.

    nets   name -> ensemble; members are numbered through in this order, `where` has their slices
    Input: the streams by name, each (T, width), of one video; `length` cuts it into windows, the
    last of which may be shorter; a video shorter than a window is a window of its own length.
    Output: (M, W, length, 2); what stands behind the video's last frame means nothing.
    """

    def __init__(self, nets: Mapping[str, video.Video]):
        super().__init__()
        widths = {
            name: (net.lstm.weight_in.shape[1], net.lstm.fan_in) for name, net in nets.items()
        }
        if len(set(widths.values())) != 1:
            raise EmolibError(
                f"grid of video networks: their recurrent stages differ ({widths}); "
                "expected one width into and in the LSTM"
            )
        self.nets = nn.ModuleList(nets.values())
        self.where, count = {}, 0
        for name, net in nets.items():
            self.where[name] = slice(count, count + len(net.seeds))
            count += len(net.seeds)
        inputs, hidden = next(iter(widths.values()))
        self.lstm = members.LSTM(count, inputs, hidden)
        self.classifier = members.Linear(count, hidden, 2)
        with torch.no_grad():
            for stage in ("lstm", "classifier"):
                for key, parameter in getattr(self, stage).named_parameters():
                    parts = [getattr(net, stage).get_parameter(key) for net in nets.values()]
                    parameter.copy_(torch.cat(parts))
        for net in nets.values():
            del net.lstm, net.classifier  # their weights live in the joint stage now

    def forward(self, streams: Mapping[str, Tensor], length: int) -> Tensor:
        one = {name: x[None] for name, x in streams.items()}  # (1, T, width)
        x = torch.cat([net.frames(one).squeeze(1) for net in self.nets])  # (M, T, last block)
        x = windows(x, min(length, x.shape[1]))  # (M, W, L, last block)
        states = self.lstm(x).flatten(1, 2)  # (M, W L, hidden)
        return self.classifier(states).unflatten(1, x.shape[1:3])  # (M, W, L, 2)

    def optimizer(self, rates: Tensor, **options) -> members.SGD:
        """Gradient descent with a rate for each member, (M,)."""
        slices = self.where.values()
        parts = [(list(net.parameters()), s) for net, s in zip(self.nets, slices, strict=True)]
        joint = [*self.lstm.parameters(), *self.classifier.parameters()]
        return members.SGD([*parts, (joint, slice(None))], rates, **options)


def windows(x: Tensor, length: int) -> Tensor:
    """A track in windows that do not overlap: (..., T, F) -> (..., W, length, F), zeros behind the
    end. A view where T is a multiple."""
    count = -(-x.shape[-2] // length)
    if spare := count * length - x.shape[-2]:
        x = nn.functional.pad(x, (0, 0, 0, spare))
    return x.unflatten(-2, (count, length))
