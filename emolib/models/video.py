"""The four networks of orgil2021, Fig. 3 and section 3.1 (orgil2022, Fig. 3.3): a block per
modality, an LSTM, valence and arousal.

Each block reads what the block before it gives beside its own modality. The same code builds one
network of plain PyTorch layers or, with `seeds`, an ensemble (models/members.py) in which member m
is exactly such a network: shapes then carry a leading M. The print names normalisation (here over
all B * T frames of a batch) and dropout after every linear layer, but no activation: the ReLU is
ours (`choices.csv`, orgil2021-c7). Nothing keeps the outputs within [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError, nearest
from emolib.models import members

# of a frame: ResNet50 feature, 70 x 2, 18 x 2, mel bands
WIDTHS = {"image": 2048, "landmarks": 140, "pose": 36, "mel": 128}


class Block(nn.Module):
    """Linear map, normalisation, ReLU, dropout: ([M,] B * T, in) -> ([M,] B * T, out)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        dropout: float = 0.5,
        seeds: list[int] | None = None,
        place: int = 0,
    ):
        super().__init__()
        if seeds is None:
            self.linear, self.norm = nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)
            self.drop = nn.Dropout(dropout)
        else:
            self.linear = members.Linear(len(seeds), inputs, outputs)
            self.norm = members.BatchNorm1d(len(seeds), outputs)
            self.drop = members.Dropout(seeds, dropout, stream=place)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.linear(x)  # (B*T, out)
        x = self.norm(x) if mask is None else self.norm(x, mask)
        return self.drop(torch.relu(x))


class Video(nn.Module):
    """Blocks in a row, then the LSTM and the classifier. The networks below say which blocks.

    sizes    width that leaves each block
    hidden   width of the LSTM
    widths   width of a frame per stream, where the data has another than `WIDTHS`
    seeds    None: one plain network, its weights from PyTorch's global stream. A list: an ensemble;
             a member's seed gives its start weights and its dropout

    Input: a mapping, or the streams by name, each (B, T, width) in [0, 1]; further ones are
    ignored. An ensemble takes (M, B, T, width), or (B, T, width) for all members alike. mask,
    ensembles only: bool (B, T) or (M, B, T), True where a frame counts; padding belongs behind a
    window's last frame (what stands there never reaches the frames before it).
    Output: valence and arousal (B, T, 2), an ensemble's (M, B, T, 2).
    """

    STREAMS: tuple[tuple[str, ...], ...]  # those that enter each block, beside the block before
    SIZES: tuple[int, ...]

    def __init__(
        self,
        *,
        sizes: tuple[int, ...] | None = None,
        hidden: int = 256,
        dropout: float = 0.5,
        widths: Mapping[str, int] | None = None,
        seeds: list[int] | None = None,
    ):
        super().__init__()
        for name in widths or {}:
            if name not in WIDTHS:
                raise nearest(name, WIDTHS, what="stream of a video network")
        widths = WIDTHS | dict(widths or {})
        self.seeds = None if seeds is None else [int(s) for s in seeds]
        self.widths = {name: widths[name] for streams in self.STREAMS for name in streams}
        self.blocks, before = nn.ModuleList(), 0
        for place, (streams, out) in enumerate(zip(self.STREAMS, sizes or self.SIZES, strict=True)):
            inputs = before + sum(self.widths[name] for name in streams)
            self.blocks.append(Block(inputs, out, dropout=dropout, seeds=self.seeds, place=place))
            before = out
        if self.seeds is None:
            self.lstm = nn.LSTM(before, hidden, batch_first=True)
            self.classifier = nn.Linear(hidden, 2)
        else:
            self.lstm = members.LSTM(len(seeds), before, hidden)
            self.classifier = members.Linear(len(seeds), hidden, 2)
            members.initialise(self, self.seeds)

    def forward(
        self,
        inputs: Mapping[str, Tensor] | None = None,
        /,
        *,
        mask: Tensor | None = None,
        **named: Tensor,
    ) -> Tensor:
        x = self.frames(inputs, mask=mask, **named)  # ([M,] B, T, last block)
        if self.seeds is None:
            return self.classifier(self.lstm(x)[0])  # (B, T, 2)
        states = self.lstm(x).flatten(1, 2)  # (M, B*T, hidden)
        return self.classifier(states).unflatten(1, x.shape[-3:-1])  # (M, B, T, 2)

    def frames(
        self,
        inputs: Mapping[str, Tensor] | None = None,
        /,
        *,
        mask: Tensor | None = None,
        **named: Tensor,
    ) -> Tensor:
        """What the blocks make of each frame by itself, all that stands before the LSTM:
        ([M,] B, T, width of the last block)."""
        given = self._checked({**(inputs or {}), **named}, mask)
        batch, length = next(iter(given.values())).shape[-3:-1]
        if mask is not None:
            mask = mask.flatten(-2)  # ([M,] B*T)
        x = None
        for block, streams in zip(self.blocks, self.STREAMS, strict=True):
            parts = [given[name].flatten(-3, -2) for name in streams]
            x = block(self._joined(parts, x), mask)  # ([M,] B*T, out)
        return x.unflatten(-2, (batch, length))

    def _joined(self, parts: list[Tensor], before: Tensor | None) -> Tensor:
        """What enters a block: ([M,] B*T, sum of widths). What all members share is joined once and
        not copied for each."""
        if self.seeds is not None:
            if all(part.ndim == 2 for part in parts):
                parts = [torch.cat(parts, dim=-1)]  # (B*T, widths)
            parts = [part.expand(len(self.seeds), -1, -1) for part in parts]  # (M, B*T, widths)
        if before is not None:
            parts = [before, *parts]
        return torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]

    def _checked(self, given: dict[str, Tensor], mask: Tensor | None) -> dict[str, Tensor]:
        """The streams this network reads; EmolibError where one is missing or misshapen."""
        kind = type(self).__name__
        if missing := [name for name in self.widths if name not in given]:
            raise EmolibError(
                f"{kind}: no '{missing[0]}' among the inputs ({', '.join(given) or 'none'}); "
                f"this network reads {', '.join(self.widths)}"
            )
        lead = () if self.seeds is None else (len(self.seeds),)
        used = {name: given[name] for name in self.widths}
        frames = next(iter(used.values())).shape[-3:-1]
        for name, x in used.items():
            fits = x.ndim == 3 or (lead and x.ndim == 4 and x.shape[0] == lead[0])
            if not fits or x.shape[-3:] != (*frames, self.widths[name]):
                expected = ", ".join(map(str, (*lead, *frames, self.widths[name])))
                raise EmolibError(f"{kind}: '{name}' is {tuple(x.shape)}, expected ({expected})")
        shapes = (frames, (*lead, *frames)) if lead else ()
        if mask is not None and (mask.dtype != torch.bool or mask.shape not in shapes):
            raise EmolibError(
                f"{kind}: mask is {mask.dtype} {tuple(mask.shape)}, expected bool "
                f"({', '.join(map(str, frames))}) or one of these per member, and an ensemble "
                "(seeds=)"
            )
        return used


class Full(Video):
    """[2048 + 140 -> 1024] -> [1024 + 36 -> 512] -> [512 + 128 -> 256] -> LSTM -> 2: face and
    landmarks, then pose, then sound."""

    STREAMS = (("image", "landmarks"), ("pose",), ("mel",))
    SIZES = (1024, 512, 256)


class WithoutMel(Video):
    """[2048 + 140 -> 1024] -> [1024 + 36 -> 256] -> LSTM -> 2: Full without its last block.

    The print gives 512 as the output of the pose block and 256 as the input of the LSTM; without
    the block between them one must yield. The other reading is sizes=(1024, 512) (`choices.csv`,
    orgil2021-c8).
    """

    STREAMS = (("image", "landmarks"), ("pose",))
    SIZES = (1024, 256)


class Audio(Video):
    """[128 -> 256] -> LSTM -> 2."""

    STREAMS = (("mel",),)
    SIZES = (256,)


class Pose(Video):
    """[36 -> 256] -> LSTM -> 2."""

    STREAMS = (("pose",),)
    SIZES = (256,)


NETWORKS = {  # as Table 3 names them
    "Full Network": Full,
    "Without mel Spectrogram": WithoutMel,
    "Audio Network": Audio,
    "Pose Network": Pose,
}


def alone(ensemble: Video, member: int) -> Video:
    """One member as a plain network of the same class, with its weights and running statistics."""
    sizes = tuple(block.linear.weight.shape[2] for block in ensemble.blocks)
    hidden, dropout = ensemble.classifier.weight.shape[1], ensemble.blocks[0].drop.p
    with torch.random.fork_rng(devices=[]):  # its start weights are overwritten
        net = type(ensemble)(sizes=sizes, hidden=hidden, dropout=dropout, widths=ensemble.widths)
    first = ensemble.classifier.weight
    net = net.to(first.device, first.dtype).train(ensemble.training)
    with torch.no_grad():
        for block, stacked in zip(net.blocks, ensemble.blocks, strict=True):
            _copy_linear(block.linear, stacked.linear, member)
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(block.norm, name).copy_(getattr(stacked.norm, name)[member, 0])
        _copy_linear(net.classifier, ensemble.classifier, member)
        for plain, stacked in (
            ("ih", ensemble.lstm.weight_in),
            ("hh", ensemble.lstm.weight_hidden),
        ):
            net.lstm.get_parameter(f"weight_{plain}_l0").copy_(stacked[member].T)
        for plain, stacked in (("ih", ensemble.lstm.bias_in), ("hh", ensemble.lstm.bias_hidden)):
            net.lstm.get_parameter(f"bias_{plain}_l0").copy_(stacked[member, 0])
    return net


def _copy_linear(plain: nn.Linear, stacked: members.Linear, member: int) -> None:
    plain.weight.copy_(stacked.weight[member].T)
    plain.bias.copy_(stacked.bias[member, 0])
