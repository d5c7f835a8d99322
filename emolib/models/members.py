"""Layers that hold many small networks at once: the leading axis is the member of an ensemble.

A network of 215 weights keeps a processor busy for a microsecond and its framework for a
millisecond. Stacked, a thousand such networks cost what ten did: each layer is one batched matrix
product, autograd and Adam see one tensor, and no member touches another's numbers (the loss is a
sum over members, so every gradient is the member's own).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError, nearest


def _empty(members: int, *shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(members, *shape))


class Linear(nn.Module):
    """`members` linear maps: (M, B, in) -> (M, B, out); weight (M, in, out), bias (M, 1, out)."""

    def __init__(self, members: int, features_in: int, features_out: int):
        super().__init__()
        self.fan_in = features_in
        self.weight = _empty(members, features_in, features_out)
        self.bias = _empty(members, 1, features_out)

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)  # (M, B, out)


class Conv1d(nn.Module):
    """`members` convolutions of width 3, padding 1: (M, B, L, in) -> (M, B, L, out), channels last.

    The numbers of `nn.Conv1d(in, out, 3, padding=1)`, as one matrix product over the three shifted
    copies: for sequences of five steps a library convolution is all overhead. weight (M, 3 * in,
    out) holds the taps left, middle, right below each other.
    """

    def __init__(self, members: int, channels_in: int, channels_out: int):
        super().__init__()
        self.fan_in = 3 * channels_in
        self.weight = _empty(members, 3 * channels_in, channels_out)
        self.bias = _empty(members, 1, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        members, batch, length, channels = x.shape
        if length == 1:  # both outer taps would meet padding only
            taps = x.reshape(members, batch, channels)
            middle = self.weight[:, channels : 2 * channels]  # (M, in, out)
            return torch.baddbmm(self.bias, taps, middle).unsqueeze(2)  # (M, B, 1, out)
        padded = nn.functional.pad(x, (0, 0, 1, 1))  # (M, B, L + 2, in)
        taps = torch.cat([padded[:, :, k : k + length] for k in range(3)], dim=-1)
        y = torch.baddbmm(self.bias, taps.reshape(members, batch * length, -1), self.weight)
        return y.view(members, batch, length, -1)  # (M, B, L, out)


class BatchNorm1d(nn.Module):
    """`members` batch normalisations, (M, B, F) -> (M, B, F), as `nn.BatchNorm1d(F)` of each.

    mask (M, B) or (B,), bool: rows that count. The others are normalised too but take no part in
    the statistics: members whose batches are shorter are padded. EmolibError where a member trains
    on fewer than two rows.
    """

    def __init__(self, members: int, features: int, *, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(members, 1, features))
        self.bias = nn.Parameter(torch.zeros(members, 1, features))
        self.register_buffer("running_mean", torch.zeros(members, 1, features))
        self.register_buffer("running_var", torch.ones(members, 1, features))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.training:
            fewest = x.shape[1] if mask is None else mask.expand(*x.shape[:2]).sum(1).min()
            if fewest < 2:
                raise EmolibError(
                    "batch normalisation: a member trains on fewer than two frames; "
                    "drop the last, short batch"
                )
        x = x.to(self.weight.dtype)  # statistics in full precision under autocast
        return self._masked(x, mask) if self.training and mask is not None else self._whole(x)

    def _whole(self, x: Tensor) -> Tensor:
        """Members are so many more features."""
        members, rows, features = x.shape
        named = (self.running_mean, self.running_var, self.weight, self.bias)
        y = nn.functional.batch_norm(
            x.transpose(0, 1).reshape(rows, -1),
            *(v.view(-1) for v in named),
            self.training,
            self.momentum,
            self.eps,
        )
        return y.view(rows, members, features).transpose(0, 1)  # (M, B, F)

    def _masked(self, x: Tensor, mask: Tensor) -> Tensor:
        seen = mask.expand(*x.shape[:2]).unsqueeze(-1)  # (M, B, 1)
        count = seen.sum(1, keepdim=True).to(x.dtype)  # (M, 1, 1)
        mean = torch.where(seen, x, 0.0).sum(1, keepdim=True) / count  # (M, 1, F)
        var = torch.where(seen, x - mean, 0.0).square().sum(1, keepdim=True) / count
        with torch.no_grad():  # the running variance is the unbiased one
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * (count / (count - 1)), self.momentum)
        return (x - mean) * (self.weight * torch.rsqrt(var + self.eps)) + self.bias


class Dropout(nn.Module):
    """`nn.Dropout(p)` with a stream of its own for every member: (M, ...) -> (M, ...).

    seeds   one per member; equal seeds, equal masks. `stream` tells the layers of a network apart.
    A mask is drawn from (seed, stream, number of the call): it depends neither on a member's
    company nor on the global stream, and a resumed training draws what it would have drawn.
    """

    def __init__(self, seeds: list[int], p: float = 0.5, *, stream: int = 0):
        super().__init__()
        self.seeds = [int(s) for s in seeds]
        self.p, self.stream, self.calls = p, stream, 0

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.calls)

    def set_extra_state(self, state: Tensor) -> None:
        self.calls = int(state)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        bits = {seed: self._bits(seed, x[0]) for seed in dict.fromkeys(self.seeds)}
        self.calls += 1
        kept = torch.stack([bits[seed] for seed in self.seeds]) >= round(self.p * 65536) - 32768
        return x * (kept * (1 / (1 - self.p))).to(x.dtype)

    def _bits(self, seed: int, like: Tensor) -> Tensor:
        """16 random bits for each unit of a member, which decide on it in steps of 1 / 65536: on a
        CPU eight times as fast as `bernoulli_`."""
        words = (abs(seed), seed < 0, self.stream, self.calls)
        state = np.random.SeedSequence(words).generate_state(1, np.uint64)[0]
        generator = torch.Generator(like.device).manual_seed(int(state >> np.uint64(1)))
        wide = torch.empty(-(-like.numel() // 4), dtype=torch.int64, device=like.device)
        wide.random_(-(2**63), None, generator=generator)
        return wide.view(torch.int16)[: like.numel()].view(like.shape)


class LSTM(nn.Module):
    """`members` LSTMs of one layer: (M, B, T, in) -> (M, B, T, hidden), as `nn.LSTM`, batch first.

    It starts from zero in every window. weight_in (M, in, 4 H) and weight_hidden (M, H, 4 H) hold
    the gates side by side in PyTorch's order: input, forget, cell, output. There are two biases, as
    there: plain SGD moves their sum twice as fast.

    steps   'stacked' takes a step of all members at once; 'apart' runs PyTorch's own kernel member
            by member. 'auto' is the second on a CPU, where a member's weights stay in the cache
            from step to step, and the first elsewhere.
    """

    def __init__(self, members: int, features_in: int, hidden: int, *, steps: str = "auto"):
        super().__init__()
        if steps not in ("auto", "stacked", "apart"):
            raise nearest(steps, ("auto", "stacked", "apart"), what="way through an LSTM")
        self.fan_in, self.steps = hidden, steps  # PyTorch's bound for all four
        self.weight_in = _empty(members, features_in, 4 * hidden)
        self.weight_hidden = _empty(members, hidden, 4 * hidden)
        self.bias_in = _empty(members, 1, 4 * hidden)
        self.bias_hidden = _empty(members, 1, 4 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.weight_in.dtype)
            if self.steps == "stacked" or (self.steps == "auto" and x.device.type != "cpu"):
                return self._stacked(x)
            return self._apart(x)

    def _stacked(self, x: Tensor) -> Tensor:
        members, batch, length, _ = x.shape
        # Time first, so that a step of all members lies in one piece; the input's share of all
        # steps is one product.
        x = x.transpose(1, 2).reshape(members, length * batch, -1)
        gates = torch.baddbmm(self.bias_in + self.bias_hidden, x, self.weight_in)  # (M, T B, 4 H)
        gates = gates.view(members, length, batch, -1).transpose(0, 1)  # (T, M, B, 4 H)
        steps = _OnGpu if gates.is_cuda else _Recurrence
        return steps.apply(gates, self.weight_hidden).permute(1, 2, 0, 3)  # (M, B, T, H)

    def _apart(self, x: Tensor) -> Tensor:
        zero = x.new_zeros(1, x.shape[1], self.fan_in)  # (1, B, H)
        turned = [w.transpose(1, 2).contiguous() for w in (self.weight_in, self.weight_hidden)]
        biases = [b.squeeze(1) for b in (self.bias_in, self.bias_hidden)]
        outputs = []
        # unbind, not an index: its gradient is one stack, that of an index a tensor of zeros each
        for v, *weights in zip(*(w.unbind() for w in (x, *turned, *biases)), strict=True):
            how = (True, 1, 0.0, self.training, False, True)
            outputs.append(torch.lstm(v, (zero, zero), weights, *how)[0])
        return torch.stack(outputs)


class _Recurrence(torch.autograd.Function):
    """The steps of an LSTM: gates (T, M, B, 4 H) before the state's share, weight (M, H, 4 H) ->
    outputs (T, M, B, H).

    Written out because automatic differentiation would form the gradient of the weights once a step
    and add up T of them; here it is one product over all steps.
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
        length, _, _, size = out.shape
        # What does not hang on the steps behind is formed for all steps at once.
        i, f, g, o = act.split(size, -1)  # (T, M, B, H) each
        bent = torch.tanh(cell)
        before = torch.cat([torch.zeros_like(cell[:1]), cell[:-1]])  # the cell one step earlier
        # d cell / d the first three gates
        slope = torch.stack([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)], dim=-2)
        into_cell = o * (1 - bent * bent)  # d out / d cell
        into_out = bent * o * (1 - o)  # d out / d the fourth gate
        grad = torch.empty_like(act)
        first_three = grad[..., : 3 * size].unflatten(-1, (3, size))
        back = weight.transpose(1, 2)  # (M, 4 H, H)
        carried = torch.zeros_like(cell[0])
        for t in reversed(range(length)):
            d_out = above[t]  # (M, B, H)
            if t + 1 < length:
                d_out = torch.baddbmm(above[t], grad[t + 1], back)
            carried.addcmul_(d_out, into_cell[t])
            torch.mul(carried.unsqueeze(-2), slope[t], out=first_three[t])
            torch.mul(d_out, into_out[t], out=grad[t, ..., 3 * size :])
            carried.mul_(f[t])
        return grad, _over_all_steps(out, grad)


def _over_all_steps(out: Tensor, grad: Tensor) -> Tensor:
    """Gradient (M, H, 4 H) of the state's weights: outputs (T, M, B, H), gates' gradients."""
    earlier, later = (v.transpose(0, 1).flatten(1, 2) for v in (out[:-1], grad[1:]))
    return earlier.transpose(1, 2) @ later


class _OnGpu(torch.autograd.Function):
    """The same on a GPU, which waits for whoever asks: a step is one product and one kernel, four
    in all with the way back, where `_Recurrence` asks for twenty."""

    @staticmethod
    def forward(ctx, gates: Tensor, weight: Tensor) -> Tensor:
        length, members, batch, wide = gates.shape
        one_step = torch.ops.aten._thnn_fused_lstm_cell.default
        state = cell = gates.new_zeros(members * batch, wide // 4)  # (M B, H)
        cells, acts, outs = [cell], [], []
        for into in gates.contiguous().flatten(1, 2):  # (M B, 4 H)
            back = torch.bmm(state.view(members, batch, -1), weight).flatten(0, 1)
            state, cell, act = one_step(into, back, cell)
            cells.append(cell)
            acts.append(act)
            outs.append(state)
        out = torch.stack(outs).view(length, members, batch, -1)
        ctx.save_for_backward(torch.stack(acts), torch.stack(cells), out, weight)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, above: Tensor) -> tuple[Tensor, Tensor]:
        acts, cells, out, weight = ctx.saved_tensors
        length, members, batch, size = out.shape
        above = above.contiguous()
        back, grads, carried = weight.transpose(1, 2), [], None  # (M, 4 H, H)
        one_back = torch.ops.aten._thnn_fused_lstm_cell_backward_impl.default
        for t in reversed(range(length)):
            d_out = above[t]  # (M, B, H)
            if grads:
                d_out = torch.baddbmm(d_out, grads[-1].view(members, batch, -1), back)
            step = cells[t], cells[t + 1], acts[t]
            grad, carried, _ = one_back(d_out.flatten(0, 1), carried, *step, False)
            grads.append(grad)
        grad = torch.stack(grads[::-1]).view(length, members, batch, -1)
        return grad, _over_all_steps(out, grad)


class GRU(nn.Module):
    """`members` GRUs of one layer: (M, B, T, in) -> (M, B, T, hidden), as `nn.GRU`, batch first.

    It starts from zero in every window. weight_in (M, in, 3 H) and weight_hidden (M, H, 3 H) hold
    the gates side by side in PyTorch's order: reset, update, candidate. PyTorch's update gate keeps
    the old state where that of yin2022 (Eq. 6) takes the new one: the same family of networks.

    reset    'after' scales U h by the reset gate (PyTorch, and TensorFlow's default), 'before'
             scales h and then takes U of it (yin2022, Eq. 5; Cho et al. 2014); the hidden bias of
             the candidate then stands outside the gate
    A unit whose weights, in and out, are zero stays at zero in value and in gradient: members of
    other sizes fit into one stack.
    """

    def __init__(self, members: int, features_in: int, hidden: int, *, reset: str = "after"):
        super().__init__()
        if reset not in ("after", "before"):
            raise nearest(reset, ("after", "before"), what="place of the reset gate")
        self.fan_in, self.reset = hidden, reset
        self.weight_in = _empty(members, features_in, 3 * hidden)
        self.weight_hidden = _empty(members, hidden, 3 * hidden)
        self.bias_in = _empty(members, 1, 3 * hidden)
        self.bias_hidden = _empty(members, 1, 3 * hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.recur(self.project(x))

    def project(self, x: Tensor) -> Tensor:
        """What the input says to the gates: (M, B, T, in) -> (M, T, B, 3 H). No step needs another,
        so windows that overlap may share it."""
        members, batch, length, _ = x.shape
        x = x.transpose(1, 2).reshape(members, length * batch, -1)
        return torch.baddbmm(self.bias_in, x, self.weight_in).view(members, length, batch, -1)

    def recur(self, into: Tensor) -> Tensor:
        """The state at every step, (M, B, T, H), from what `project` gave, (M, T, B, 3 H)."""
        size = self.fan_in
        weight, bias = self.weight_hidden, self.bias_hidden
        h = into.new_zeros(len(into), into.shape[2], size)  # (M, B, H)
        states = []
        for step in into.unbind(1):  # (M, B, 3 H)
            two, third = step[..., : 2 * size], step[..., 2 * size :]
            if self.reset == "after":
                back = torch.baddbmm(bias, h, weight)  # (M, B, 3 H)
                gates = torch.sigmoid(two + back[..., : 2 * size])
                candidate = torch.addcmul(third, gates[..., :size], back[..., 2 * size :])
            else:
                back = torch.baddbmm(bias[..., : 2 * size], h, weight[..., : 2 * size])
                gates = torch.sigmoid(two + back)
                scaled = gates[..., :size] * h
                candidate = third + torch.baddbmm(
                    bias[..., 2 * size :], scaled, weight[..., 2 * size :]
                )
            h = torch.lerp(torch.tanh(candidate), h, gates[..., size:])
            states.append(h)
        return torch.stack(states, 2)  # (M, B, T, H)


def initialise(
    net: nn.Module, seeds: list[int], fan_in: dict[nn.Module, Tensor] | None = None
) -> nn.Module:
    """Give member m what seed `seeds[m]` draws: uniform in +-1/sqrt(fan_in), PyTorch's default.

    Members with equal seeds start alike, whatever else is in the ensemble: comparisons between
    settings are paired, and a member's result does not depend on its company.
    fan_in: per layer a tensor (M,) where members use fewer inputs than it holds (pruned units).
    """
    distinct, where = torch.unique(torch.as_tensor(seeds), return_inverse=True)
    generators = [torch.Generator().manual_seed(int(s)) for s in distinct]
    with torch.no_grad():
        for layer in net.modules():
            if not isinstance(layer, (Linear, Conv1d, GRU, LSTM)):  # BatchNorm1d has its 1 and 0
                continue
            inputs = (fan_in or {}).get(layer, torch.full((len(seeds),), layer.fan_in)).float()
            bound = (1.0 / inputs.clamp_min(1.0).sqrt()).view(-1, 1, 1)  # (M, 1, 1)
            for parameter in layer.parameters(recurse=False):
                shape = parameter.shape[1:]
                drawn = torch.stack(
                    [torch.rand(shape, generator=g, dtype=torch.float64) for g in generators]
                )  # (seeds, ...)
                parameter.copy_((2 * drawn[where] - 1) * bound)
    return net


class SGD(torch.optim.Optimizer):
    """PyTorch's SGD with momentum and weight decay, but a rate for each member; 0 leaves it as is.

    parts   for each part of the ensemble (parameters with a leading member axis, the members they
            belong to: a slice of all)
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
            for p in parameters:
                if not self.state[p]:
                    self.state[p]["momentum_buffer"] = torch.zeros_like(p)
            moving = [self.state[p]["momentum_buffer"] for p in parameters]
            torch._foreach_mul_(moving, group["momentum"])
            torch._foreach_add_(moving, [p.grad for p in parameters])
            torch._foreach_add_(moving, parameters, alpha=group["weight_decay"])
            rates = self.rates[group["where"]].view(-1, 1, 1)  # (M, 1, 1)
            steps = torch._foreach_mul(moving, [rates.to(p.dtype) for p in parameters])
            torch._foreach_sub_(parameters, steps)


def parameter_count(net: nn.Module) -> int:
    """Trainable numbers of one member."""
    return sum(math.prod(p.shape[1:]) for p in net.parameters() if p.requires_grad)
