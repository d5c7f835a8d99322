"""The networks of yin2022: a CNN that turns a face into 300 numbers (Fig. 3; section 4.1), and a
small GRU over ten frames (4.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError
from emolib.models import members

SMALL, DEEP = (10,), (10, 10, 5)  # "CNN+RNN(10)" and "CNN+RNN(10, 10, 5)"


class QuadrantCNN(nn.Module):
    """Grey faces (B, 1, S, S) in [0, 1] -> features (B, 300).

    BatchNorm of the input; three convolutions of 5 x 5, each with ReLU, the first two with
    max-pooling by 2; the largest value of each quadrant of each map (Coates et al. 2011); a linear
    layer with ReLU.
    channels   64, 128 and 256. The paper prints 258 for the third and no layer between 4 x 258 and
               300 (choices yin2022-c4, -c5)
    """

    def __init__(self, channels: tuple[int, int, int] = (64, 128, 256), features: int = 300):
        super().__init__()
        first, second, third = channels
        self.channels, self.features = tuple(channels), features
        self.norm = nn.BatchNorm2d(1)
        self.first = nn.Conv2d(1, first, 5, padding=2)
        self.second = nn.Conv2d(first, second, 5, padding=2)
        self.third = nn.Conv2d(second, third, 5, padding=2)
        self.pool, self.quadrants = nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2)
        self.out = nn.Linear(4 * third, features)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != 1 or min(x.shape[2:]) < 8:
            raise EmolibError(
                f"QuadrantCNN: faces of shape {tuple(x.shape)}, expected (B, 1, S, S) with S of "
                "at least 8"
            )
        x = self.pool(torch.relu(self.first(self.norm(x))))  # (B, 64, S/2, S/2)
        x = self.pool(torch.relu(self.second(x)))  # (B, 128, S/4, S/4)
        x = self.quadrants(torch.relu(self.third(x)))  # (B, 256, 2, 2)
        return torch.relu(self.out(x.flatten(1)))  # (B, 300)


class PathGRU(nn.Module):
    """`members` recurrent networks side by side: features of a window (M, B, T, F) -> valence and
    arousal at every step (M, B, T, 2).

    sizes   units of each layer, one tuple per member, all of one depth: (10,), (10, 10, 5) ...;
            networks of other widths train in one stack, padded with units that stay zero
    reset   see members.GRU
    """

    def __init__(self, sizes: list[tuple[int, ...]], features: int = 300, *, reset: str = "after"):
        super().__init__()
        depths = {len(s) for s in sizes}
        if len(depths) != 1 or 0 in depths:
            raise EmolibError(
                f"PathGRU: members of {sorted(depths)} layers; expected one depth in a stack, "
                "at least 1"
            )
        self.sizes = [tuple(s) for s in sizes]
        widest = [max(units) for units in zip(*self.sizes)]
        self.layers = nn.ModuleList(
            members.GRU(len(sizes), inputs, units, reset=reset)
            for inputs, units in zip([features, *widest], widest)
        )
        self.out = members.Linear(len(sizes), widest[-1], 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.above(self.layers[0].project(x))

    def above(self, into: Tensor) -> Tensor:
        """From what the first layer's `project` gave, (M, T, B, 3 H), to (M, B, T, 2)."""
        x = self.layers[0].recur(into)
        for layer in self.layers[1:]:
            x = layer(x)  # (M, B, T, H)
        return self.out(x.flatten(1, 2)).unflatten(1, x.shape[1:3])  # (M, B, T, 2)

    def initialise(self, seeds: list[int]) -> PathGRU:
        """Give member m what seed `seeds[m]` draws for a network of its sizes, whatever its
        company."""
        features = self.layers[0].weight_in.shape[1]
        alone = {}
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            for m, (sizes, seed) in enumerate(zip(self.sizes, seeds, strict=True)):
                if (sizes, seed) not in alone:
                    net = PathGRU([sizes], features)
                    alone[sizes, seed] = members.initialise(net, [seed])
                self._place(m, alone[sizes, seed])
        return self

    def _place(self, m: int, net: PathGRU) -> None:
        """Write the only member of `net` into the corner of member m that its sizes fill."""
        for wide, narrow in zip(self.layers, net.layers, strict=True):
            for name, whole in wide.named_parameters():
                part = getattr(narrow, name)[0]  # (rows, 3 h)
                gates = whole[m].unflatten(-1, (3, -1))  # (rows, 3, H)
                gates[: part.shape[0], :, : part.shape[1] // 3] = part.unflatten(-1, (3, -1))
        self.out.weight[m, : net.out.weight.shape[1]] = net.out.weight[0]
        self.out.bias[m] = net.out.bias[0]


def sliding(net: PathGRU, x: Tensor, length: int) -> Tensor:
    """A point for each frame, seen with the `length` - 1 frames before it: features (M, V, T, F) ->
    (M, V, T, 2).

    The first frames have a shorter past. This is what a running film gives; a window cut every ten
    frames would forget all it knows ten times in four seconds.
    """
    count, length = x.shape[2], min(length, x.shape[2])
    into = net.layers[0].project(x)  # (M, T, V, 3 H): once a frame, though a frame is in L windows
    begin = net.above(into[:, :length])  # (M, V, L, 2)
    if count == length:
        return begin
    later = into.unfold(1, length, 1)[:, 1:].movedim(-1, 1)  # (M, L, T - L, V, 3 H)
    ends = net.above(later.flatten(2, 3))[:, :, -1]  # (M, (T - L) V, 2)
    return torch.cat([begin, ends.unflatten(1, later.shape[2:4]).transpose(1, 2)], 2)


def parameter_count(net: PathGRU, member: int = 0) -> int:
    """Trainable numbers of one member, its padding left out."""
    sizes = net.sizes[member]
    inputs = [net.layers[0].weight_in.shape[1], *sizes]
    return sum(3 * h * (i + h + 2) for i, h in zip(inputs, sizes)) + 2 * sizes[-1] + 2
