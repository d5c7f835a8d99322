"""Layers that hold many small networks at once: the leading axis is the member of an ensemble.

A network of 215 weights keeps a processor busy for a microsecond and its framework for a
millisecond. Stacked, a thousand such networks cost what ten did: each layer is one batched
matrix product, autograd and Adam see one tensor, and no member touches another's numbers
(the loss is a sum over members, so every gradient is the member's own).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError, nearest


class Linear(nn.Module):
    """`members` linear maps: (M, B, in) -> (M, B, out); weight (M, in, out), bias (M, 1, out)."""

    def __init__(self, members: int, features_in: int, features_out: int):
        super().__init__()
        self.fan_in = features_in
        self.weight = nn.Parameter(torch.empty(members, features_in, features_out))
        self.bias = nn.Parameter(torch.empty(members, 1, features_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)  # (M, B, out)


class Conv1d(nn.Module):
    """`members` convolutions of width 3, padding 1, over channels-last sequences: (M, B, L, in) -> (M, B, L, out).

    The same numbers as `nn.Conv1d(in, out, 3, padding=1)` of each member, written as one matrix product
    over the three shifted copies: for sequences of five steps a library convolution is all overhead.
    weight (M, 3 * in, out) holds the taps left, middle, right below each other.
    """

    def __init__(self, members: int, channels_in: int, channels_out: int):
        super().__init__()
        self.fan_in, self.channels_in = 3 * channels_in, channels_in
        self.weight = nn.Parameter(torch.empty(members, 3 * channels_in, channels_out))
        self.bias = nn.Parameter(torch.empty(members, 1, channels_out))

    def forward(self, x: Tensor) -> Tensor:
        members, batch, length, channels = x.shape
        if length == 1:  # both outer taps would meet padding only
            taps = x.reshape(members, batch, channels)
            middle = self.weight[:, channels : 2 * channels]  # (M, in, out)
            return torch.baddbmm(self.bias, taps, middle).unsqueeze(2)  # (M, B, 1, out)
        padded = nn.functional.pad(x, (0, 0, 1, 1))  # (M, B, L + 2, in)
        taps = torch.cat(
            [padded[:, :, k : k + length] for k in range(3)], dim=-1
        )  # (M, B, L, 3 in)
        y = torch.baddbmm(self.bias, taps.reshape(members, batch * length, -1), self.weight)
        return y.view(members, batch, length, -1)  # (M, B, L, out)


class BatchNorm1d(nn.Module):
    """`members` batch normalisations over the rows of each member: (M, B, F) -> (M, B, F), as `nn.BatchNorm1d(F)`.

    mask (M, B) or (B,), bool: rows that count. The others are normalised too, but take no part in the statistics: members
    whose batches are shorter are padded. Raises EmolibError where a member trains on fewer than two rows.
    """

    def __init__(self, members: int, features: int, *, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(members, 1, features))
        self.bias = nn.Parameter(torch.zeros(members, 1, features))
        self.register_buffer("running_mean", torch.zeros(members, 1, features))
        self.register_buffer("running_var", torch.ones(members, 1, features))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        members, rows, features = x.shape
        if (
            self.training
            and (rows if mask is None else int(mask.expand(members, rows).sum(1).min())) < 2
        ):
            raise EmolibError(
                "batch normalisation: a member trains on fewer than two frames; drop the last, short batch"
            )
        x = x.to(self.weight.dtype)  # statistics in full precision under autocast
        if mask is None or not self.training:  # members are so many more features
            y = nn.functional.batch_norm(
                x.transpose(0, 1).reshape(rows, -1),
                self.running_mean.view(-1),
                self.running_var.view(-1),
                self.weight.view(-1),
                self.bias.view(-1),
                self.training,
                self.momentum,
                self.eps,
            )
            return y.view(rows, members, features).transpose(0, 1)  # (M, B, F)
        seen = mask.expand(members, rows).unsqueeze(-1)  # (M, B, 1)
        count = seen.sum(1, keepdim=True).to(x.dtype)  # (M, 1, 1)
        mean = torch.where(seen, x, 0.0).sum(1, keepdim=True) / count  # (M, 1, F)
        var = torch.where(seen, x - mean, 0.0).square().sum(1, keepdim=True) / count
        with torch.no_grad():  # the running variance is the unbiased one
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * (count / (count - 1)), self.momentum)
        return (x - mean) * (self.weight * torch.rsqrt(var + self.eps)) + self.bias


class Dropout(nn.Module):
    """Dropout with a stream of its own for every member: (M, ...) -> (M, ...), as `nn.Dropout(p)` otherwise.

    seeds   one per member; equal seeds, equal masks. `stream` tells the layers of a network apart.
    A mask is drawn from (seed, stream, number of the call), so a member's masks depend neither on its company nor on the
    global stream, and training that goes on from a checkpoint draws what it would have drawn.
    """

    def __init__(self, seeds: list[int], p: float = 0.5, *, stream: int = 0):
        super().__init__()
        self.seeds, self.p, self.stream, self.calls = [int(s) for s in seeds], p, stream, 0

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.calls)

    def set_extra_state(self, state: Tensor) -> None:
        self.calls = int(state)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        drawn = {}  # members of one seed share a mask
        for seed in dict.fromkeys(self.seeds):
            state = np.random.SeedSequence(
                (abs(seed), seed < 0, self.stream, self.calls)
            ).generate_state(1, np.uint64)[0]
            generator = torch.Generator(x.device).manual_seed(int(state >> np.uint64(1)))
            # 16 bits decide on a unit (p in steps of 1 / 65536): on a CPU eight times as fast as `bernoulli_`
            bits = torch.empty(-(-x[0].numel() // 4), dtype=torch.int64, device=x.device).random_(
                -(2**63), None, generator=generator
            )
            drawn[seed] = bits.view(torch.int16)[: x[0].numel()].view(x.shape[1:])
        self.calls += 1
        kept = torch.stack([drawn[seed] for seed in self.seeds]) >= round(self.p * 65536) - 32768
        return x * (kept * (1 / (1 - self.p))).to(x.dtype)


class LSTM(nn.Module):
    """`members` LSTMs of one layer, batch first: (M, B, T, in) -> (M, B, T, hidden), as `nn.LSTM(in, hidden, batch_first=True)`.

    It starts from zero in every window. weight_in (M, in, 4 H) and weight_hidden (M, H, 4 H) hold the gates side by side in
    PyTorch's order: input, forget, cell, output. There are two biases, as there: plain SGD moves their sum twice as fast.

    steps   'stacked' takes a step of all members at once; 'apart' runs PyTorch's own kernel member by member. 'auto' is the
            second on a CPU, where a member's weights stay in the cache from step to step, and the first elsewhere.
    """

    def __init__(self, members: int, features_in: int, hidden: int, *, steps: str = "auto"):
        super().__init__()
        if steps not in ("auto", "stacked", "apart"):
            raise nearest(steps, ("auto", "stacked", "apart"), what="way through an LSTM")
        self.fan_in, self.steps = hidden, steps  # PyTorch's bound for all four
        self.weight_in = nn.Parameter(torch.empty(members, features_in, 4 * hidden))
        self.weight_hidden = nn.Parameter(torch.empty(members, hidden, 4 * hidden))
        self.bias_in = nn.Parameter(torch.empty(members, 1, 4 * hidden))
        self.bias_hidden = nn.Parameter(torch.empty(members, 1, 4 * hidden))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.weight_in.dtype)
            if self.steps == "stacked" or self.steps == "auto" and x.device.type != "cpu":
                return self._stacked(x)
            return self._apart(x)

    def _stacked(self, x: Tensor) -> Tensor:
        members, batch, length, _ = x.shape
        # Time first, so that a step of all members lies in one piece; the input's share of all steps is one product.
        x = x.transpose(1, 2).reshape(members, length * batch, -1)
        gates = torch.baddbmm(self.bias_in + self.bias_hidden, x, self.weight_in)  # (M, T B, 4 H)
        gates = gates.view(members, length, batch, -1).transpose(0, 1)  # (T, M, B, 4 H)
        return _Recurrence.apply(gates, self.weight_hidden).permute(1, 2, 0, 3)  # (M, B, T, H)

    def _apart(self, x: Tensor) -> Tensor:
        zero = x.new_zeros(1, x.shape[1], self.fan_in)  # (1, B, H)
        # unbind, not an index: its gradient is one stack, that of an index a whole tensor of zeros per member
        wide, hidden = (
            self.weight_in.transpose(1, 2).contiguous().unbind(),
            self.weight_hidden.transpose(1, 2).contiguous().unbind(),
        )
        each = zip(
            x.unbind(),
            wide,
            hidden,
            self.bias_in.squeeze(1).unbind(),
            self.bias_hidden.squeeze(1).unbind(),
            strict=True,
        )
        return torch.stack(
            [
                torch.lstm(v, (zero, zero), weights, True, 1, 0.0, self.training, False, True)[0]
                for v, *weights in each
            ]
        )


class _Recurrence(torch.autograd.Function):
    """The steps of an LSTM: gates (T, M, B, 4 H) before the state's share, weight (M, H, 4 H) -> outputs (T, M, B, H).

    Written out because automatic differentiation would form the gradient of the weights once a step and add up T of them;
    here it is one product over all steps.
    """

    @staticmethod
    def forward(ctx, gates: Tensor, weight: Tensor) -> Tensor:
        length, members, batch, wide = gates.shape
        size = wide // 4
        act = gates.contiguous().clone()  # becomes the gates' values
        cell = act.new_empty(length, members, batch, size)
        out = torch.empty_like(cell)
        for t in range(length):
            if t:
                act[t].baddbmm_(out[t - 1], weight)  # (M, B, 4 H)
            act[t, ..., : 2 * size].sigmoid_()
            act[t, ..., 2 * size : 3 * size].tanh_()
            act[t, ..., 3 * size :].sigmoid_()
            i, f, g, o = act[t].split(size, -1)  # (M, B, H) each
            torch.mul(i, g, out=cell[t])
            if t:
                cell[t].addcmul_(f, cell[t - 1])
            torch.mul(o, torch.tanh(cell[t]), out=out[t])
        ctx.save_for_backward(act, cell, out, weight)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, above: Tensor) -> tuple[Tensor, Tensor]:
        act, cell, out, weight = ctx.saved_tensors
        length, members, _, size = out.shape
        # What does not hang on the steps behind is formed for all steps at once.
        i, f, g, o = act.split(size, -1)  # (T, M, B, H) each
        bent = torch.tanh(cell)
        before = torch.cat([torch.zeros_like(cell[:1]), cell[:-1]])  # the cell one step earlier
        slope = torch.stack(
            [g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)], dim=-2
        )  # d cell / d the first three gates
        into_cell, into_out = (
            o * (1 - bent * bent),
            bent * o * (1 - o),
        )  # d out / d cell, d out / d the fourth
        grad = torch.empty_like(act)
        back = weight.transpose(1, 2)  # (M, 4 H, H)
        carried = torch.zeros_like(cell[0])
        for t in reversed(range(length)):
            d_out = (
                above[t] if t + 1 == length else torch.baddbmm(above[t], grad[t + 1], back)
            )  # (M, B, H)
            carried.addcmul_(d_out, into_cell[t])
            torch.mul(
                carried.unsqueeze(-2),
                slope[t],
                out=grad[t, ..., : 3 * size].unflatten(-1, (3, size)),
            )
            torch.mul(d_out, into_out[t], out=grad[t, ..., 3 * size :])
            carried.mul_(f[t])
        steps = lambda v: v.transpose(0, 1).flatten(1, 2)  # noqa: E731   (M, T B, .)
        return grad, steps(out[:-1]).transpose(1, 2) @ steps(grad[1:])  # (M, H, 4 H)


class GRU(nn.Module):
    """`members` GRUs of one layer, batch first: (M, B, T, in) -> (M, B, T, hidden), as `nn.GRU(in, hidden, batch_first=True)`.

    It starts from zero in every window. weight_in (M, in, 3 H) and weight_hidden (M, H, 3 H) hold the gates side by side in
    PyTorch's order: reset, update, candidate. PyTorch's update gate keeps the old state where that of yin2022 (Eq. 6) takes
    the new one: the same family of networks, the gate's sign turned.

    reset    'after' scales U h by the reset gate (PyTorch, and TensorFlow's default), 'before' scales h and then takes U of it
             (yin2022, Eq. 5; Cho et al. 2014); the hidden bias of the candidate then stands outside the gate
    A unit whose weights, in and out, are zero stays at zero in value and in gradient: members of other sizes fit into one stack.
    """

    def __init__(self, members: int, features_in: int, hidden: int, *, reset: str = "after"):
        super().__init__()
        if reset not in ("after", "before"):
            raise nearest(reset, ("after", "before"), what="place of the reset gate")
        self.fan_in, self.reset = hidden, reset
        self.weight_in = nn.Parameter(torch.empty(members, features_in, 3 * hidden))
        self.weight_hidden = nn.Parameter(torch.empty(members, hidden, 3 * hidden))
        self.bias_in = nn.Parameter(torch.empty(members, 1, 3 * hidden))
        self.bias_hidden = nn.Parameter(torch.empty(members, 1, 3 * hidden))

    def forward(self, x: Tensor) -> Tensor:
        return self.recur(self.project(x))

    def project(self, x: Tensor) -> Tensor:
        """What the input says to the gates: (M, B, T, in) -> (M, T, B, 3 H). No step needs another, so windows that overlap may share it."""
        members, batch, length, _ = x.shape
        return torch.baddbmm(
            self.bias_in, x.transpose(1, 2).reshape(members, length * batch, -1), self.weight_in
        ).view(members, length, batch, -1)

    def recur(self, into: Tensor) -> Tensor:
        """The state at every step, (M, B, T, H), from what `project` gave, (M, T, B, 3 H)."""
        size = self.fan_in
        h, out = into.new_zeros(len(into), into.shape[2], size), []
        for step in into.unbind(1):  # (M, B, 3 H)
            if self.reset == "after":
                back = torch.baddbmm(self.bias_hidden, h, self.weight_hidden)  # (M, B, 3 H)
                gates = torch.sigmoid(step[..., : 2 * size] + back[..., : 2 * size])
                candidate = torch.tanh(
                    torch.addcmul(step[..., 2 * size :], gates[..., :size], back[..., 2 * size :])
                )
            else:
                back = torch.baddbmm(
                    self.bias_hidden[..., : 2 * size], h, self.weight_hidden[..., : 2 * size]
                )
                gates = torch.sigmoid(step[..., : 2 * size] + back)
                candidate = torch.tanh(
                    step[..., 2 * size :]
                    + torch.baddbmm(
                        self.bias_hidden[..., 2 * size :],
                        gates[..., :size] * h,
                        self.weight_hidden[..., 2 * size :],
                    )
                )
            h = torch.lerp(candidate, h, gates[..., size:])  # (M, B, H)
            out.append(h)
        return torch.stack(out, 2)  # (M, B, T, H)


def initialise(
    net: nn.Module, seeds: list[int], fan_in: dict[nn.Module, Tensor] | None = None
) -> nn.Module:
    """Give member m the weights that seed `seeds[m]` draws: uniform in +-1/sqrt(fan_in), PyTorch's own default.

    Members with equal seeds start alike, whatever else is in the ensemble: comparisons between settings
    are paired, and a member's result does not depend on its company.
    fan_in: per layer a tensor (M,) where members use fewer inputs than the layer holds (pruned units).
    """
    distinct, where = torch.unique(torch.as_tensor(seeds), return_inverse=True)
    generators = [torch.Generator().manual_seed(int(s)) for s in distinct]
    with torch.no_grad():
        for layer in net.modules():
            if not isinstance(
                layer, (Linear, Conv1d, GRU, LSTM)
            ):  # BatchNorm1d starts from 1 and 0
                continue
            bound = (
                torch.full((len(seeds),), float(layer.fan_in))
                if fan_in is None or layer not in fan_in
                else fan_in[layer].float()
            )
            bound = (1.0 / bound.clamp_min(1.0).sqrt()).view(-1, 1, 1)  # (M, 1, 1)
            for parameter in layer.parameters(recurse=False):
                drawn = torch.stack(
                    [
                        torch.rand(parameter.shape[1:], generator=g, dtype=torch.float64)
                        for g in generators
                    ]
                )  # (seeds, ...)
                parameter.copy_((2 * drawn[where] - 1) * bound)
    return net


class SGD(torch.optim.Optimizer):
    """Gradient descent with momentum and weight decay as PyTorch's, but with a rate for each member; 0 leaves a member as it is.

    parts   (parameters with a leading member axis, the members they belong to: a slice of all) for each part of the ensemble
    rates   (M,): may be changed between steps; not part of `state_dict`
    """

    def __init__(
        self,
        parts: list[tuple[list[nn.Parameter], slice]],
        rates: Tensor,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ):
        self.rates = rates
        super().__init__(
            [{"params": parameters, "where": where} for parameters, where in parts],
            {"lr": float(rates.max()), "momentum": momentum, "weight_decay": weight_decay},
        )

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            fresh = [p for p in parameters if not self.state[p]]
            for p in fresh:
                self.state[p]["momentum_buffer"] = torch.zeros_like(p)
            moving = [self.state[p]["momentum_buffer"] for p in parameters]
            torch._foreach_mul_(moving, group["momentum"])
            torch._foreach_add_(moving, [p.grad for p in parameters])
            torch._foreach_add_(moving, parameters, alpha=group["weight_decay"])
            rates = self.rates[group["where"]].view(-1, 1, 1)  # (M, 1, 1)
            torch._foreach_sub_(
                parameters, torch._foreach_mul(moving, [rates.to(p.dtype) for p in parameters])
            )


def parameter_count(net: nn.Module) -> int:
    """Trainable numbers of one member."""
    return sum(math.prod(p.shape[1:]) for p in net.parameters() if p.requires_grad)
