"""The four networks of orgil2021, Fig. 3 and section 3.1 (orgil2022, Fig. 3.3): a block per modality, an LSTM, valence and arousal.

Each block reads what the block before it gives beside its own modality; the three networks besides Full leave blocks out. The
same code builds one network of plain PyTorch layers or, with `seeds`, an ensemble (models/members.py) in which member m is
exactly such a network: shapes then carry a leading M. Batch normalisation runs over all frames of the batch, B * T.

The print names normalisation and dropout after every linear layer, but no activation: the ReLU is ours (`choices.csv`,
orgil2021-c7). The outputs are the bare linear map of the last layer: nothing keeps them within [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError, nearest
from emolib.models import members

WIDTHS = {
    "image": 2048,
    "landmarks": 140,
    "pose": 36,
    "mel": 128,
}  # of a frame: ResNet50 feature, 70 x 2, 18 x 2, mel bands


class Block(nn.Module):
    """A box of the second stage: linear map, normalisation, ReLU, dropout; ([M,] B * T, in) -> ([M,] B * T, out)."""

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
            self.linear, self.norm, self.drop = (
                nn.Linear(inputs, outputs),
                nn.BatchNorm1d(outputs),
                nn.Dropout(dropout),
            )
        else:
            self.linear, self.norm = (
                members.Linear(len(seeds), inputs, outputs),
                members.BatchNorm1d(len(seeds), outputs),
            )
            self.drop = members.Dropout(seeds, dropout, stream=place)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.linear(x)  # (B*T, out)
        x = self.norm(x) if mask is None else self.norm(x, mask)
        return self.drop(torch.relu(x))


class Video(nn.Module):
    """Blocks in a row, then the LSTM and the classifier. The networks below only say which blocks there are.

    blocks   (streams that enter, width that leaves) of each block; from the second on, the block before enters as well
    hidden   width of the LSTM
    widths   width of a frame per stream, where the data has another than `WIDTHS`
    seeds    None: one plain network, its weights from PyTorch's global stream. A list: an ensemble, one seed per member;
             a seed gives a member's start weights and its dropout

    Input: a mapping, or the streams by name, each (B, T, width) in [0, 1]; further ones are ignored. An ensemble takes
    (M, B, T, width), or (B, T, width) for all members alike. mask, ensembles only: bool (B, T) or (M, B, T), True where a
    frame counts; padding belongs behind a window's last frame (what stands there never reaches the frames before it).
    Output: (B, T, 2), an ensemble's (M, B, T, 2): valence, arousal.
    """

    def __init__(
        self,
        blocks: tuple[tuple[tuple[str, ...], int], ...],
        *,
        hidden: int,
        dropout: float,
        widths: Mapping[str, int] | None,
        seeds: list[int] | None,
    ):
        super().__init__()
        for name in widths or {}:
            if name not in WIDTHS:
                raise nearest(name, WIDTHS, what="stream of a video network")
        self.seeds = None if seeds is None else [int(s) for s in seeds]
        self.widths = {
            name: (WIDTHS | dict(widths or {}))[name] for streams, _ in blocks for name in streams
        }
        self.streams = [streams for streams, _ in blocks]
        self.blocks, before = nn.ModuleList(), 0
        for place, (streams, out) in enumerate(blocks):
            inputs = before + sum(self.widths[name] for name in streams)
            self.blocks.append(Block(inputs, out, dropout=dropout, seeds=self.seeds, place=place))
            before = out
        if self.seeds is None:
            self.lstm, self.classifier = (
                nn.LSTM(before, hidden, batch_first=True),
                nn.Linear(hidden, 2),
            )
        else:
            self.lstm, self.classifier = (
                members.LSTM(len(seeds), before, hidden),
                members.Linear(len(seeds), hidden, 2),
            )
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
        batch, length = x.shape[-3:-1]
        if self.seeds is None:
            return self.classifier(self.lstm(x)[0])  # (B, T, 2)
        x = self.lstm(x).flatten(1, 2)  # (M, B*T, hidden)
        return self.classifier(x).unflatten(1, (batch, length))  # (M, B, T, 2)

    def frames(
        self,
        inputs: Mapping[str, Tensor] | None = None,
        /,
        *,
        mask: Tensor | None = None,
        **named: Tensor,
    ) -> Tensor:
        """What the blocks make of each frame by itself, ([M,] B, T, width of the last block): all that stands before the LSTM."""
        given = self._checked({**(inputs or {}), **named}, mask)
        batch, length = next(iter(given.values())).shape[-3:-1]
        if mask is not None:
            mask = mask.flatten(-2)  # ([M,] B*T)
        x = None
        for block, streams in zip(self.blocks, self.streams, strict=True):
            x = block(
                self._joined([given[name].flatten(-3, -2) for name in streams], x), mask
            )  # ([M,] B*T, out)
        return x.unflatten(-2, (batch, length))

    def _joined(self, parts: list[Tensor], before: Tensor | None) -> Tensor:
        """What enters a block: ([M,] B*T, sum of widths). What all members share is joined once and not copied for each."""
        if self.seeds is not None:
            if all(part.ndim == 2 for part in parts):
                parts = [torch.cat(parts, dim=-1)]  # (B*T, widths)
            parts = [part.expand(len(self.seeds), -1, -1) for part in parts]  # (M, B*T, widths)
        if before is not None:
            parts = [before, *parts]
        return torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]

    def _checked(self, given: dict[str, Tensor], mask: Tensor | None) -> dict[str, Tensor]:
        """The streams this network reads; EmolibError where one is missing or misshapen."""
        if missing := [name for name in self.widths if name not in given]:
            raise EmolibError(
                f"{type(self).__name__}: no '{missing[0]}' among the inputs ({', '.join(given) or 'none'}); "
                f"this network reads {', '.join(self.widths)}"
            )
        lead = () if self.seeds is None else (len(self.seeds),)
        used = {name: given[name] for name in self.widths}
        frames = next(iter(used.values())).shape[-3:-1]
        for name, x in used.items():
            fits = x.ndim == 3 or (lead and x.ndim == 4 and x.shape[0] == lead[0])
            if not fits or x.shape[-3:] != (*frames, self.widths[name]):
                raise EmolibError(
                    f"{type(self).__name__}: '{name}' is {tuple(x.shape)}, expected "
                    f"({', '.join(map(str, (*lead, *frames, self.widths[name])))})"
                )
        if mask is not None and (
            self.seeds is None
            or mask.dtype != torch.bool
            or mask.shape not in (frames, (*lead, *frames))
        ):
            raise EmolibError(
                f"{type(self).__name__}: mask is {mask.dtype} {tuple(mask.shape)}, expected bool ({', '.join(map(str, frames))}) "
                "or one of these per member, and an ensemble (seeds=)"
            )
        return used


class Full(Video):
    """Face and landmarks, then pose, then sound: [2048 + 140 -> 1024] -> [1024 + 36 -> 512] -> [512 + 128 -> 256] -> LSTM -> 2."""

    def __init__(
        self,
        *,
        sizes: tuple[int, int, int] = (1024, 512, 256),
        hidden: int = 256,
        dropout: float = 0.5,
        widths: Mapping[str, int] | None = None,
        seeds: list[int] | None = None,
    ):
        super().__init__(
            ((("image", "landmarks"), sizes[0]), (("pose",), sizes[1]), (("mel",), sizes[2])),
            hidden=hidden,
            dropout=dropout,
            widths=widths,
            seeds=seeds,
        )


class WithoutMel(Video):
    """[2048 + 140 -> 1024] -> [1024 + 36 -> 256] -> LSTM -> 2: the Full network without its last block.

    The print gives 512 as the output of the pose block and 256 as the input of the LSTM; without the block between them one
    must yield. Default: 256. The other reading is sizes=(1024, 512) (`choices.csv`, orgil2021-c8).
    """

    def __init__(
        self,
        *,
        sizes: tuple[int, int] = (1024, 256),
        hidden: int = 256,
        dropout: float = 0.5,
        widths: Mapping[str, int] | None = None,
        seeds: list[int] | None = None,
    ):
        super().__init__(
            ((("image", "landmarks"), sizes[0]), (("pose",), sizes[1])),
            hidden=hidden,
            dropout=dropout,
            widths=widths,
            seeds=seeds,
        )


class Audio(Video):
    """[128 -> 256] -> LSTM -> 2."""

    def __init__(
        self,
        *,
        sizes: tuple[int] = (256,),
        hidden: int = 256,
        dropout: float = 0.5,
        widths: Mapping[str, int] | None = None,
        seeds: list[int] | None = None,
    ):
        super().__init__(
            ((("mel",), sizes[0]),), hidden=hidden, dropout=dropout, widths=widths, seeds=seeds
        )


class Pose(Video):
    """[36 -> 256] -> LSTM -> 2."""

    def __init__(
        self,
        *,
        sizes: tuple[int] = (256,),
        hidden: int = 256,
        dropout: float = 0.5,
        widths: Mapping[str, int] | None = None,
        seeds: list[int] | None = None,
    ):
        super().__init__(
            ((("pose",), sizes[0]),), hidden=hidden, dropout=dropout, widths=widths, seeds=seeds
        )


NETWORKS = {
    "Full Network": Full,
    "Without mel Spectrogram": WithoutMel,
    "Audio Network": Audio,
    "Pose Network": Pose,
}  # as Table 3 names them


def alone(ensemble: Video, member: int) -> Video:
    """Member `member` as a plain network of the same class, with its weights and running statistics."""
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
        for plain, stacked in (("weight_ih_l0", "weight_in"), ("weight_hh_l0", "weight_hidden")):
            getattr(net.lstm, plain).copy_(getattr(ensemble.lstm, stacked)[member].T)
        for plain, stacked in (("bias_ih_l0", "bias_in"), ("bias_hh_l0", "bias_hidden")):
            getattr(net.lstm, plain).copy_(getattr(ensemble.lstm, stacked)[member, 0])
    return net


def _copy_linear(plain: nn.Linear, stacked: members.Linear, member: int) -> None:
    plain.weight.copy_(stacked.weight[member].T)
    plain.bias.copy_(stacked.bias[member, 0])
