"""The only training loop of the project: epochs over batches, a plateau rule, early stopping,
checkpoints.

It knows nothing of tasks. A study hands in a network, a function from epoch to batches, a loss and
a validation; an ensemble of a thousand networks is one network here (see models/members.py).
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from emolib.ground import bars
from emolib.ground.errors import EmolibError
from emolib.ground.settings import device


@dataclass(frozen=True)
class Settings:
    """How to train. Misspelt names raise, because this is a dataclass."""

    epochs: int
    rate: float
    optimizer: str = "adam"  # adam, adamw or sgd
    momentum: float = 0.0  # sgd only
    weight_decay: float = 0.0
    plateau: int | None = None  # epochs without progress before the rate is multiplied by `factor`
    factor: float = 0.1
    patience: int | None = None  # epochs without progress before training stops
    validate_every: int = 1  # epochs between two validations; the last epoch is always validated
    mixed: bool = False  # bfloat16 autocast, on a GPU only
    cycle: int | None = None  # batches of an epoch: the rate rises, then falls along a cosine
    rise: float = 0.15  # share of the cycle in which it rises from a 25th of `rate`
    average: float | None = None  # end with the running average of the weights, by this decay
    clip: float | None = None  # largest norm of all gradients together


@dataclass
class History:
    """What happened: one entry per epoch in `loss`, one per validation in `validated` (epoch, what
    it returned) and in `notes` (what it said beside its number)."""

    loss: list[float] = field(default_factory=list)
    validated: list[tuple[int, float]] = field(default_factory=list)
    best_epoch: int = 0
    stopped_early: bool = False
    notes: list[dict] = field(default_factory=list)


class Diverged(EmolibError):
    """The loss is no longer a number; `history` holds the epochs until then."""

    def __init__(self, message: str, history: History):
        super().__init__(message)
        self.history = history


def optimizer(net: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD over the trainable parameters, fused where PyTorch can."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    common = {"lr": settings.rate, "weight_decay": settings.weight_decay, "fused": True}
    match settings.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, **common)
        case "adamw":
            return torch.optim.AdamW(parameters, **common)
        case "sgd":
            return torch.optim.SGD(parameters, momentum=settings.momentum, **common)
    raise EmolibError(f"optimizer '{settings.optimizer}' is not known: expected adam, adamw or sgd")


@contextlib.contextmanager
def seeded(seed: int):
    """Weights and dropout drawn inside come from `seed`; PyTorch's own streams go on untouched.

    The GPU is asked for its stream where this run uses it: a context there takes memory.
    """
    there = [torch.cuda.current_device()] if device() == "cuda" else []
    with torch.random.fork_rng(devices=there):
        torch.manual_seed(seed)
        yield


def fit(
    net: nn.Module,
    batches: Callable[[int], Iterable[tuple]],
    loss: Callable[..., Tensor],
    settings: Settings,
    *,
    validate: Callable[[nn.Module, int], float | tuple[float, dict]] | None = None,
    keep_best: bool = False,
    step: torch.optim.Optimizer | None = None,
    checkpoint: Path | None = None,
    label: str = "",
    progress: bool = True,
) -> History:
    """Train `net` in place and return its history.

    batches(epoch)        tuples of tensors on the network's device; the same epoch, the same ones
    loss(net, *batch)     a scalar; for an ensemble the sum over members
    validate(net, epoch)  a number, higher is better, or a pair of it and a plain dict for the
                          history; drives the plateau rule, early stopping and `keep_best`
    keep_best             end with the weights of the best validation instead of the last
    step                  an optimiser of the caller's own (members.SGD) in place of `settings`'
    checkpoint            a file that is written each epoch and resumed from; removed at the end

    Killed and started again with the same checkpoint, it ends with the same weights. Raises
    Diverged when the loss is no longer finite, with the epoch in it.
    """
    judged = settings.plateau is not None or settings.patience is not None or keep_best
    if validate is None and judged:
        raise EmolibError("training: plateau, patience and keep_best need a `validate` function")
    step = step or optimizer(net, settings)
    state = _State(average=_average(net, settings))
    if checkpoint is not None and checkpoint.exists():
        state = _load(checkpoint, net, step, state)
    history = state.history
    bar = bars.bar(
        range(state.epoch, settings.epochs),
        label=label or "training",
        unit="epoch",
        total=settings.epochs,
        start=state.epoch,
        shown=progress,
    )
    for epoch in bar:
        if history.stopped_early:
            break
        with _kernels(net):
            history.loss.append(_epoch(net, batches(epoch), loss, step, settings, state))
        if not math.isfinite(history.loss[-1]):
            raise Diverged(
                f"training{' of ' + label if label else ''}: the loss is {history.loss[-1]} in "
                f"epoch {epoch + 1}; lower the rate ({settings.rate}) or look for bad values in "
                "the data",
                history,
            )
        last = epoch + 1 == settings.epochs
        if validate is not None and (last or (epoch + 1) % settings.validate_every == 0):
            judged = net if state.average is None else state.average.module
            _judge(state, epoch, validate, judged, step, settings, keep_best)
        state.epoch = epoch + 1
        if checkpoint is not None and not last:
            _save(checkpoint, net, step, state)
    if state.average is not None:
        net.load_state_dict(state.average.module.state_dict())
    if keep_best and state.best is not None:
        net.load_state_dict(state.best)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return history


@dataclass
class _State:
    epoch: int = 0
    score: float = -math.inf
    waited: int = 0  # epochs since the last progress
    cooled: int = 0  # the same, since the rate was last lowered
    best: dict[str, Tensor] | None = None
    history: History = field(default_factory=History)
    average: AveragedModel | None = None


def _average(net: nn.Module, settings: Settings) -> AveragedModel | None:
    """The running average of weights and of what batch norm has seen, if it is asked for."""
    if settings.average is None:
        return None
    rule = get_ema_multi_avg_fn(settings.average)
    return AveragedModel(net, multi_avg_fn=rule, use_buffers=True)


def cycled(done: float, rate: float, rise: float) -> float:
    """The rate after the share `done` (0 to 1) of a training (Smith and Topin 2019): up from a 25th
    of `rate` along half a cosine, then down to nearly nothing along another."""
    low = rate / 25 if done < rise else rate / 250_000
    part = 1 - done / rise if done < rise else (done - rise) / (1 - rise)
    return low + (rate - low) * (1 + math.cos(math.pi * part)) / 2


def _epoch(net, batches, loss, step, settings, state) -> float:
    net.train()
    total, count = 0.0, 0
    for batch in batches:
        if settings.cycle is not None:
            done = (state.epoch + count / settings.cycle) / settings.epochs
            for group in step.param_groups:
                group["lr"] = cycled(min(done, 1.0), settings.rate, settings.rise)
        place = batch[0].device.type
        step.zero_grad(set_to_none=True)
        mixed = settings.mixed and place == "cuda"
        with torch.autocast(place, torch.bfloat16, enabled=mixed):
            value = loss(net, *batch)
        value.backward()
        if settings.clip is not None:
            nn.utils.clip_grad_norm_(net.parameters(), settings.clip)
        step.step()
        if state.average is not None:
            state.average.update_parameters(net)
        total, count = total + value.detach(), count + 1  # stays on the device: no wait per step
    if count == 0:
        raise EmolibError(
            "training: an epoch without a batch; the training set is smaller than one batch"
        )
    return float(total) / count


@contextlib.contextmanager
def _kernels(net: nn.Module):
    """Torch's own convolutions for networks of under four channels on processors without AVX-512.

    There oneDNN frees memory twice in `backward` on one thread, and the process is aborted (torch
    2.11, two and three channels): smoke's widths, nobody else's.
    """
    narrow = any(isinstance(m, nn.Conv2d) and m.out_channels < 4 for m in net.modules())
    before = torch.backends.mkldnn.enabled
    if narrow and torch.backends.cpu.get_cpu_capability() == "AVX2":
        torch.backends.mkldnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


def _judge(state, epoch, validate, net, step, settings, keep_best):
    net.eval()
    with torch.no_grad():
        score = validate(net, epoch)
    if isinstance(score, tuple):
        score, note = score
        state.history.notes.append(note)
    score = float(score)
    state.history.validated.append((epoch, score))
    if score > state.score:
        state.score, state.waited, state.cooled = score, 0, 0
        state.history.best_epoch = epoch
        if keep_best:
            state.best = {k: v.detach().clone() for k, v in net.state_dict().items()}
        return
    state.waited += settings.validate_every
    state.cooled += settings.validate_every
    if settings.plateau is not None and state.cooled > settings.plateau:
        for group in step.param_groups:
            group["lr"] *= settings.factor
        state.cooled = 0
    if settings.patience is not None:
        state.history.stopped_early = state.waited >= settings.patience


def _save(path: Path, net, step, state):
    """One safetensors file: weights, optimiser moments, best weights, random state; the plain rest
    as JSON in its header."""
    tensors = {f"net.{k}": v.detach() for k, v in net.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in (state.best or {}).items()}
    if state.average is not None:
        tensors |= {f"average.{k}": v for k, v in state.average.state_dict().items()}
    for index, moments in step.state_dict()["state"].items():
        named = {f"step.{index}.{k}": v for k, v in moments.items() if isinstance(v, Tensor)}
        tensors |= named
    tensors["random"] = torch.get_rng_state()
    if _on_gpu(net):
        tensors["random on the GPU"] = torch.cuda.get_rng_state()
    plain = {
        "epoch": state.epoch,
        "score": state.score,
        "waited": state.waited,
        "cooled": state.cooled,
        "history": vars(state.history),
        "rates": [g["lr"] for g in step.param_groups],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    # Weights that are still the best ones are stored twice: safetensors shares nothing.
    copies = {k: v.clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
    save_file(copies, partial, metadata={"plain": json.dumps(plain), "sum": _checksum(copies)})
    partial.replace(path)


def _on_gpu(net: nn.Module) -> bool:
    return any(p.is_cuda for p in net.parameters())


def _checksum(tensors: dict[str, Tensor]) -> str:
    """CRC-32 of all bytes: safetensors itself would not notice a flipped one."""
    total = 0
    for name in sorted(tensors):
        flat = tensors[name].cpu().contiguous().reshape(-1).view(torch.uint8)
        total = zlib.crc32(flat.numpy(), total)
    return f"{total:08x}"


def _load(path: Path, net, step, fresh: _State) -> _State:
    def part(name):
        return {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}

    try:
        with safe_open(path, "pt") as file:
            plain, checksum = json.loads(file.metadata()["plain"]), file.metadata()["sum"]
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 not a dict
        if checksum != _checksum(tensors):
            raise ValueError("its bytes do not match their checksum")
        shapes = {k: v.shape for k, v in net.state_dict().items()}
        if {k: v.shape for k, v in part("net.").items()} != shapes:
            raise ValueError("it is of another network")
    except Exception as error:  # cut short, damaged or foreign
        print(
            f"training: checkpoint {path} cannot be used ({error}); starting over", file=sys.stderr
        )
        return fresh
    net.load_state_dict(part("net."))
    if fresh.average is not None:
        fresh.average.load_state_dict(part("average."))
    moments = step.state_dict()
    parameters = [p for group in step.param_groups for p in group["params"]]
    for key, value in part("step.").items():
        index, name = key.split(".", 1)
        like = parameters[int(index)]
        if value.shape == like.shape:
            # The file is row-major; a fused step walks moments in the parameter's order of bytes.
            value = torch.empty_like(like, dtype=value.dtype).copy_(value)
        moments["state"].setdefault(int(index), {})[name] = value
    step.load_state_dict(moments)
    for group, rate in zip(step.param_groups, plain.pop("rates"), strict=True):
        group["lr"] = rate
    torch.set_rng_state(tensors["random"])
    if "random on the GPU" in tensors and _on_gpu(net):
        torch.cuda.set_rng_state(tensors["random on the GPU"])
    history = History(**plain.pop("history"))
    history.validated = [tuple(v) for v in history.validated]
    return _State(**plain, best=part("best.") or None, history=history, average=fresh.average)


def plateaued(curve, share: float = 0.2, gain: float = 0.01) -> bool:
    """Has a validation loss settled? True when its last `share` is on average no more than `gain`
    (relative) below the `share` before it.

    A curve that turned upwards has settled; one with fewer than 5 points has not.
    """
    curve = [float(v) for v in curve]
    window = max(1, round(share * len(curve)))
    if len(curve) < 5:
        return False
    last, before = curve[-window:], curve[-2 * window : -window]
    return sum(before) / window - sum(last) / window <= gain * abs(sum(before) / window)
