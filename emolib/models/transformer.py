"""The four transformers of orgil2022, sections 3.2.3 and 4.3, Fig. 3.4.

The thesis takes "the standard encoder and decoder parts" and adds linear maps at both ends; it does
not say what enters the decoder (`choices.csv`, orgil2022-c3). Here:

    queries   (default) learned queries, one per frame of the window: labels never enter
    shifted   the label of the frame before: in training the true one, in evaluation the network's
              own output, frame after frame (free running). True labels in evaluation give the
              answer away: `leak=True` does it, for a row that is marked so

Sizes are those of `nn.Transformer`, positions sinusoidal; both are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from emolib.ground.errors import EmolibError, nearest

# of a frame: face mesh, ResNet50 feature, the same of the magnified face
WIDTHS = {"mesh": 468 * 3, "image": 2048, "evm": 2048}


class Transformer(nn.Module):
    """Streams of a window, (B, T, width) each -> valence and arousal of each frame, (B, T, 2).

    streams     those that enter, side by side; `mesh` may come as (B, T, 468, 3)
    widths      width of a frame per stream, where the data has another than `WIDTHS`
    decoder     'queries' or 'shifted', see above
    causal      True: a frame's output depends on it and on what was before. False: on the whole
                window; the decoder of 'shifted' looks back in either case, or it would read the
                label it is to name
    max_length  longest window; there are that many learned queries
    """

    def __init__(
        self,
        streams: tuple[str, ...],
        *,
        widths: Mapping[str, int] | None = None,
        decoder: str = "queries",
        causal: bool = False,
        width: int = 512,
        heads: int = 8,
        layers: int = 6,
        feedforward: int = 2048,
        dropout: float = 0.1,
        max_length: int = 2048,
    ):
        super().__init__()
        if decoder not in ("queries", "shifted"):
            raise nearest(decoder, ("queries", "shifted"), what="input of the decoder")
        for name in (*streams, *(widths or {})):
            if name not in WIDTHS:
                raise nearest(name, WIDTHS, what="stream of a transformer")
        if width % (2 * heads):
            raise EmolibError(
                f"transformer: width {width} is no multiple of {2 * heads}, twice its {heads} heads"
            )
        widths = WIDTHS | dict(widths or {})
        self.widths = {name: widths[name] for name in streams}
        self.decoder, self.causal, self.max_length = decoder, causal, max_length
        self.into = nn.Linear(sum(self.widths.values()), width)
        self.core = nn.Transformer(
            width, heads, layers, layers, feedforward, dropout, batch_first=True
        )
        self.out = nn.Linear(width, 2)
        if decoder == "queries":
            self.queries = nn.Parameter(0.02 * torch.randn(max_length, width))
        else:
            self.label, self.begin = nn.Linear(2, width), nn.Parameter(0.02 * torch.randn(width))
        self.register_buffer("position", positions(max_length, width), persistent=False)

    def forward(
        self,
        inputs: Mapping[str, Tensor] | None = None,
        /,
        *,
        target: Tensor | None = None,
        leak: bool = False,
        **named: Tensor,
    ) -> Tensor:
        """(B, T, 2). target (B, T, 2): true labels, for 'shifted' in training; in evaluation only
        with leak=True."""
        x = self._joined({**(inputs or {}), **named})  # (B, T, widths)
        self._check_target(x, target, leak)
        memory = self._encode(x)  # (B, T, width)
        if self.decoder == "queries":
            queries = self.queries[: x.shape[1]].expand(len(x), -1, -1)  # (B, T, width)
            return self.out(self._decode(queries, memory, causal=self.causal))  # (B, T, 2)
        if target is None:
            return self._free_running(memory)  # (B, T, 2)
        return self.out(self._decode(self._shifted(target), memory, causal=True))  # (B, T, 2)

    # ---- parts

    def _encode(self, x: Tensor) -> Tensor:
        x = self.into(x) + self.position[: x.shape[1]]  # (B, T, width)
        mask = _mask(x.shape[1], x) if self.causal else None
        return self.core.encoder(x, mask=mask, is_causal=self.causal)

    def _decode(self, x: Tensor, memory: Tensor, *, causal: bool) -> Tensor:
        past = _mask(x.shape[1], x) if causal or self.causal else None
        return self.core.decoder(
            x + self.position[: x.shape[1]],
            memory,
            tgt_mask=past if causal else None,
            tgt_is_causal=causal,
            memory_mask=past if self.causal else None,
            memory_is_causal=self.causal,
        )

    def _shifted(self, labels: Tensor) -> Tensor:
        """Frame t gets the label of t - 1, the first a learned beginning: (B, T, width)."""
        return torch.cat([self.begin.expand(len(labels), 1, -1), self.label(labels[:, :-1])], dim=1)

    def _free_running(self, memory: Tensor) -> Tensor:
        """Each frame from the outputs before it; keys and values are kept: a step costs a frame."""
        batch, length, _ = memory.shape
        layers = [_Stepper(layer, memory) for layer in self.core.decoder.layers]
        label = self.begin.expand(batch, 1, -1)  # (B, 1, width)
        outputs = []
        for t in range(length):
            x = label + self.position[t]  # (B, 1, width)
            for layer in layers:
                x = layer(x, t + 1 if self.causal else length)
            outputs.append(self.out(self.core.decoder.norm(x)))  # (B, 1, 2)
            label = self.label(outputs[-1])
        return torch.cat(outputs, dim=1)  # (B, T, 2)

    def _joined(self, given: dict[str, Tensor]) -> Tensor:
        """The streams side by side, (B, T, sum of widths); EmolibError where one is missing,
        misshapen or too long."""
        kind = type(self).__name__
        if missing := [name for name in self.widths if name not in given]:
            raise EmolibError(
                f"{kind}: no '{missing[0]}' among the inputs ({', '.join(given) or 'none'}); "
                f"it reads {', '.join(self.widths)}"
            )
        used = {}
        for name in self.widths:
            x = given[name]
            used[name] = x.flatten(2) if x.ndim == 4 else x
        frames = next(iter(used.values())).shape[:2]
        for name, x in used.items():
            expected = (*frames, self.widths[name])
            if x.ndim != 3 or x.shape != expected:
                raise EmolibError(
                    f"{kind}: '{name}' is {tuple(given[name].shape)}, "
                    f"expected ({', '.join(map(str, expected))})"
                )
        if not 1 <= frames[1] <= self.max_length:
            raise EmolibError(
                f"{kind}: windows of {frames[1]} frames, expected 1 to {self.max_length}; "
                "cut them or raise max_length"
            )
        return torch.cat(list(used.values()), dim=-1)

    def _check_target(self, x: Tensor, target: Tensor | None, leak: bool) -> None:
        kind, given = type(self).__name__, target is not None
        if self.decoder == "queries" and (given or leak):
            raise EmolibError(
                f"{kind}: labels have no place in a decoder of queries; leave `target` out or "
                "build it with decoder='shifted'"
            )
        if self.decoder == "shifted" and self.training and (leak or not given):
            raise EmolibError(
                f"{kind}: training with decoder='shifted' needs the labels as `target`, "
                "without `leak`"
            )
        if not self.training and given != leak:
            raise EmolibError(
                f"{kind}: in evaluation `target` and leak=True go together: true labels at the "
                "decoder give the answer away, and a row made with them is to be marked; leave "
                "both out for free running"
            )
        if given and target.shape != (*x.shape[:2], 2):
            raise EmolibError(
                f"{kind}: target is {tuple(target.shape)}, expected ({x.shape[0]}, {x.shape[1]}, 2)"
            )


class Mesh(Transformer):
    """Face mesh, 468 points in space."""

    def __init__(self, **options):
        super().__init__(("mesh",), **options)


class Feature(Transformer):
    """Features of the face crop."""

    def __init__(self, **options):
        super().__init__(("image",), **options)


class Evm(Transformer):
    """Features of the face crop with magnified colour."""

    def __init__(self, **options):
        super().__init__(("evm",), **options)


class Multi(Transformer):
    """All three side by side."""

    def __init__(self, **options):
        super().__init__(("mesh", "image", "evm"), **options)


NETWORKS = {  # as in Table 4.3
    "Mesh Transformer": Mesh,
    "Feature Transformer": Feature,
    "EVM Transformer": Evm,
    "Multi Transformer": Multi,
}


def positions(length: int, width: int) -> Tensor:
    """Sines and cosines of position, (length, width): wavelengths from 2 pi to 10000 * 2 pi frames
    (Vaswani et al. 2017, 3.5)."""
    frame = torch.arange(length, dtype=torch.float64)[:, None]
    rate = torch.exp(-math.log(10_000) * torch.arange(0, width, 2, dtype=torch.float64) / width)
    waves = torch.stack([torch.sin(frame * rate), torch.cos(frame * rate)], dim=-1)
    return waves.flatten(1).float()


def _mask(length: int, like: Tensor) -> Tensor:
    """What a frame must not see: -inf above the diagonal, (T, T); the fused kernel skips it."""
    return nn.Transformer.generate_square_subsequent_mask(
        length, device=like.device, dtype=like.dtype
    )


class _Stepper:
    """A `nn.TransformerDecoderLayer` (norm last) that takes a frame at a time; keys and values are
    kept."""

    def __init__(self, layer: nn.TransformerDecoderLayer, memory: Tensor):
        self.layer, self.heads = layer, layer.self_attn.num_heads
        batch, length, width = memory.shape
        own = (batch, self.heads, length, width // self.heads)
        self.key, self.value, self.step = memory.new_empty(own), memory.new_empty(own), 0
        weight, bias = layer.multihead_attn.in_proj_weight, layer.multihead_attn.in_proj_bias
        pair = linear(memory, weight[width:], bias[width:]).chunk(2, dim=-1)
        self.seen = [self._split(v) for v in pair]  # keys, values of the encoder

    def __call__(self, x: Tensor, reach: int) -> Tensor:
        """x (B, 1, width); reach: encoder frames that may be seen."""
        layer, own, other = self.layer, self.layer.self_attn, self.layer.multihead_attn
        three = linear(x, own.in_proj_weight, own.in_proj_bias).chunk(3, -1)
        query, key, value = (self._split(v) for v in three)  # (B, H, 1, width / H)
        self.key[:, :, self.step], self.value[:, :, self.step] = key[:, :, 0], value[:, :, 0]
        self.step += 1
        past = (self.key[:, :, : self.step], self.value[:, :, : self.step])
        x = layer.norm1(x + self._attend(own, query, *past))
        width = x.shape[-1]
        query = self._split(linear(x, other.in_proj_weight[:width], other.in_proj_bias[:width]))
        x = layer.norm2(x + self._attend(other, query, *(v[:, :, :reach] for v in self.seen)))
        return layer.norm3(x + layer.linear2(torch.relu(layer.linear1(x))))  # (B, 1, width)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, T, width / H)

    def _attend(
        self, attention: nn.MultiheadAttention, query: Tensor, key: Tensor, value: Tensor
    ) -> Tensor:
        heads = scaled_dot_product_attention(query, key, value)  # (B, H, 1, width / H)
        return attention.out_proj(heads.transpose(1, 2).flatten(2))  # (B, 1, width)
