"""A GPU for machines without one: its tensors say 'cuda:0', are computed by the CPU, and are refused what CUDA refuses.

    with pretend_gpu() as card:
        net = nn.Linear(3, 2).to("cuda")
        net(torch.ones(4, 3))        # RuntimeError, as on a GPU: the batch was left on the CPU
        card.launches, card.waits    # kernels that were asked for, and how often the CPU waited for one

What it holds to: one operation takes tensors of one device (single numbers, and indices, may come from the CPU); no NumPy
array of a tensor over there; a generator serves its own device; autocast rounds to bfloat16 what it rounds on CUDA and
keeps in float32 what it keeps there; a recurrent network in evaluation mode has no gradient (cuDNN's rule) and is one
kernel; a fused optimiser's moments lie in memory as its parameters do; no operation without a CUDA kernel.

What it cannot see: CUDA's own numbers, speed, memory, streams, graphs, a fork after the first use, and attention's choice
of a kernel. PyTorch's C++ takes the tensors for a CPU's: the CPU's kernels compute, so in float32 every number is the CPU's,
and what C++ composes for a CPU is counted as composed.
"""

import contextlib
import functools
from dataclasses import dataclass, field
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

CARD, HOST = torch.device("cuda", 0), torch.device("cpu")
HALVES = (torch.bfloat16, torch.float16)
RECURRENT = ("lstm", "gru")
LIBRARY = (
    *RECURRENT,
    "stft",
    "istft",
)  # one kernel each; as PyTorch composes them, they work in place
# Functions that autocast computes in float32 on CUDA: the list of ATen/autocast_mode.h by their names in Python.
# fmt: off
IN_FLOAT32 = frozenset("""
    acos asin cosh erfinv exp expm1 log log1p log2 log10 pow __pow__ __rpow__ reciprocal rsqrt sinh tan softplus
    cumprod cumsum prod sum softmax log_softmax logsumexp norm vector_norm matrix_norm renorm dist cdist pdist interpolate
    layer_norm group_norm cross_entropy nll_loss kl_div l1_loss smooth_l1_loss huber_loss mse_loss cosine_similarity
    binary_cross_entropy_with_logits poisson_nll_loss soft_margin_loss multi_margin_loss triplet_margin_loss
""".split())  # noqa: SIM905
# fmt: on
# Their first argument lies on either device, and so may what follows it.
COPIES = ("copy_", "_foreach_copy_")
INDEXED = ("index", "_unsafe_index", "index_put", "index_put_", "_index_put_impl_")
WAITS = ("_local_scalar_dense", "nonzero", "equal", "_unique2", "masked_select")
MIXED = (
    "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"
)


@dataclass
class Card:
    """What was asked of the GPU that is not there."""

    launches: int = 0
    waits: int = 0
    moves: int = 0
    operations: set = field(default_factory=set)
    no_kernel: set = field(default_factory=set)
    at_work: bool = False  # what a function of tensors over there makes for itself lies there too
    library: bool = False  # inside one kernel of a library: bare tensors


card = Card()


class OnCard(torch.Tensor):
    """A tensor over there. `held` has its numbers, on the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held):
        layout = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        made = torch.Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, **layout)
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _operate(operation, args, kwargs or {})

    device = property(lambda self: CARD)
    is_cuda = property(lambda self: True)

    def to(self, *args, **kwargs):
        return _to(self, *args, **kwargs)

    def cpu(self, **_):
        return _to(self, HOST)

    def numpy(self, **_):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")

    def __array__(self, *_, **__):
        return self.numpy()

    def tolist(self):
        card.waits += 1
        return self.held.tolist()

    def __format__(self, spec):
        return format(self.item() if self.dim() == 0 else repr(self), spec)

    def __repr__(self, **_):
        return f"{self.held}, on the pretended GPU"

    def data_ptr(self):
        return self.held.data_ptr()

    def untyped_storage(self):
        return self.held.untyped_storage()

    def __deepcopy__(self, memo):
        copy = OnCard(self.held.detach().clone())
        copy.requires_grad_(self.requires_grad)
        copy.__dict__ |= {k: v for k, v in self.__dict__.items() if k != "held"}
        memo[id(self)] = copy
        return copy


def _is_there(value) -> bool:
    """Does this tensor lie on the card, also under vmap's wrapping?"""
    functorch = torch._C._functorch
    while isinstance(value, torch.Tensor) and functorch.is_functorch_wrapped_tensor(value):
        value = functorch.get_unwrapped(value)
    return isinstance(value, OnCard)


def _bare(value):
    return value.held if isinstance(value, OnCard) else value


def _names_card(device) -> bool:
    return device is not None and torch.device(device).type == "cuda"


def _tensors(*values) -> list:
    return [leaf for leaf in pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor)]


# ---- one operation of ATen, below autograd


def _operate(operation, args, kwargs):
    schema, tensors = operation._schema, _tensors(args, kwargs)
    name, there = schema.name.removeprefix("aten::"), any(map(_is_there, tensors))
    makes = not tensors and any(a.name == "device" for a in schema.arguments)
    if name in COPIES:
        there, _ = _is_there(_tensors(args[0])[0]), setattr(card, "moves", card.moves + 1)
    elif there:
        _check_devices(name, schema, args, tensors)
        _count(name, operation, tensors)
        if name.startswith("_fused_"):
            _check_strides(args)
    elif makes:
        there = _names_card(kwargs.get("device")) or (card.at_work and not card.library)
    kwargs = {k: HOST if k == "device" and v is not None else v for k, v in kwargs.items()}
    kwargs.pop("pin_memory", None)
    bare_args, bare_kwargs = pytree.tree_map(_bare, (args, kwargs))
    result = ONLY_THERE.get(name, operation)(*bare_args, **bare_kwargs)
    written = {id(_bare(t)): t for t in tensors} if schema.is_mutable else {}
    if any(isinstance(t, OnCard) and t.shape != t.held.shape for t in written.values()):
        raise NotImplementedError(f"pretended GPU: {name} changes a shape in place")

    def laid(value):
        if not isinstance(value, torch.Tensor):
            return value
        return written.get(id(value)) if id(value) in written else OnCard(value) if there else value

    return pytree.tree_map(laid, result)


def _check_devices(name, schema, args, tensors):
    """Only single numbers may lie on the CPU beside tensors over there, and indices."""
    if name in INDEXED:
        if not _is_there(tensors[0]) and any(map(_is_there, tensors[1:])):
            raise RuntimeError("indices should be either on cpu or on the indexed tensor's device")
        tensors = tensors[:1] if name.endswith("index") else _tensors(args[0], args[2])
    elsewhere = [t for t in tensors if not _is_there(t)]
    written = [a for a, s in zip(args, schema.arguments) if s.alias_info and s.alias_info.is_write]
    strict = name in ("cat", "stack") or not all(map(_is_there, _tensors(written)))
    if any(t.dim() for t in elsewhere) or (elsewhere and strict):
        shapes = ", ".join(f"{t.device.type}{tuple(t.shape)}" for t in tensors)
        raise RuntimeError(f"{MIXED} ({name} of {shapes})")


def _check_strides(args):
    """A fused step walks parameters, gradients and moments side by side, in the order of their bytes."""
    lists = [a for a in args if isinstance(a, (list, tuple)) and len(a) == len(args[0])]
    for group in zip(*lists):
        alike = [t for t in group if t.shape == group[0].shape and t.dim()]
        longer = [tuple(s for s, n in zip(t.stride(), t.shape) if n > 1) for t in alike]
        if len(set(longer)) > 1:
            raise RuntimeError(f"params, grads and moments must have the same layout ({longer})")


def _count(name, operation, tensors):
    card.operations.add((name, *(str(t.dtype).removeprefix("torch.") for t in tensors)))
    is_view = any(r.alias_info and not r.alias_info.is_write for r in operation._schema.returns)
    card.launches += not (is_view or name.startswith(("empty", "new_empty", "_unsafe_view")))
    card.waits += name in WAITS
    known = torch._C._dispatch_has_computed_kernel_for_dispatch_key
    if torch.version.cuda and not known(operation.name(), "CUDA"):
        card.no_kernel.add(name)


# ---- kernels that only a GPU has, in words of the CPU's


def _lstm_cell(into, back, cell, *_):
    """One step of an LSTM: gates (B, 4 H) input, forget, cell, output."""
    act = (into + back).view(len(cell), 4, -1)
    act = torch.stack(
        [act[:, 0].sigmoid(), act[:, 1].sigmoid(), act[:, 2].tanh(), act[:, 3].sigmoid()], 1
    )
    i, f, g, o = act.unbind(1)
    cell = f * cell + i * g
    return o * cell.tanh(), cell, act.flatten(1)


def _lstm_cell_back(d_out, d_cell, before, cell, act, _):
    i, f, g, o = act.view(len(cell), 4, -1).unbind(1)
    bent = cell.tanh()
    into = d_out * o * (1 - bent * bent) + (0 if d_cell is None else d_cell)
    slopes = into * g * i * (1 - i), into * before * f * (1 - f), into * i * (1 - g * g)
    return torch.stack([*slopes, d_out * bent * o * (1 - o)], 1).flatten(1), into * f, None


ONLY_THERE = {
    "_thnn_fused_lstm_cell": _lstm_cell,
    "_thnn_fused_lstm_cell_backward_impl": _lstm_cell_back,
}


# ---- functions, above autograd: moves, generators, autocast, one kernel of a library


class _Move(torch.autograd.Function):
    """To the other device, and the gradient back."""

    @staticmethod
    def forward(ctx, x):
        card.moves += 1
        return x.held.clone() if isinstance(x, OnCard) else OnCard(x.detach().clone())

    @staticmethod
    def backward(ctx, gradient):
        return _Move.forward(ctx, gradient)


def _to(x, *args, copy=False, **kwargs):
    if args and isinstance(args[0], torch.Tensor):
        args = (args[0].device, args[0].dtype)
    device, dtype, _, order = torch._C._nn._parse_to(*args, **kwargs)
    if device is not None and _names_card(device) != _is_there(x):
        x = _Move.apply(x)
    order = {} if order is None else {"memory_format": order}
    return torch.Tensor.to(x, dtype=dtype or x.dtype, copy=copy, **order)


class _OneKernel(torch.autograd.Function):
    """What a library has as one kernel forward and one backward; cuDNN's way back only from training mode."""

    @staticmethod
    def forward(ctx, call, training, *given):
        ctx.training, needed = training, ctx.needs_input_grad[2:]
        ctx.given = [t.held.detach().requires_grad_(need) for t, need in zip(given, needed)]
        with torch.enable_grad(), mock.patch.object(card, "library", True):
            ctx.made = call(ctx.given)
        card.launches += 1
        return tuple(OnCard(t.detach()) for t in ctx.made)

    @staticmethod
    def backward(ctx, *gradients):
        if not ctx.training:
            raise RuntimeError("cudnn RNN backward can only be called in training mode")
        pairs = [
            (m, g.held) for m, g in zip(ctx.made, gradients) if m.requires_grad and g is not None
        ]
        asked = [t for t in ctx.given if t.requires_grad]
        with mock.patch.object(card, "library", True):
            results, above = zip(*pairs)
            found = torch.autograd.grad(results, asked, above, allow_unused=True) if asked else ()
        card.launches += 1
        found = iter(found)
        made = [next(found) if t.requires_grad else None for t in ctx.given]
        return None, None, *[None if g is None else OnCard(g) for g in made]


def _of_library(function, args, kwargs):
    leaves, form = pytree.tree_flatten((args, kwargs))
    where = [k for k, leaf in enumerate(leaves) if _is_there(leaf)]
    left = [t for t in _tensors(leaves) if t.is_floating_point() and not _is_there(t)]
    if left:
        raise RuntimeError("Input and parameter tensors are not at the same device")
    recurrent = function.__name__ in RECURRENT
    rounded = recurrent and torch.is_autocast_enabled("cpu")

    def call(bare):
        filled = list(leaves)
        for k, value in zip(where, bare):
            filled[k] = value.bfloat16() if rounded and value.is_floating_point() else value
        bare_args, bare_kwargs = pytree.tree_unflatten(filled, form)
        with torch.autocast("cpu", enabled=False):
            made = function(*bare_args, **bare_kwargs)
        return made if recurrent else (made,)

    flags = [a for a in args if isinstance(a, bool)]  # are there biases, is it training
    made = _OneKernel.apply(call, not recurrent or flags[1], *[leaves[k] for k in where])
    return made if recurrent else made[0]


class _Functions(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        tensors = _tensors(args, kwargs)
        there = any(map(_is_there, tensors))
        if kwargs.get("generator") is not None:
            _check_generator(kwargs, tensors)
        if function is torch.Tensor.to:
            return _to(*args, **kwargs)
        if function is torch.Tensor.cuda:
            return _to(args[0], CARD)
        if function in (torch.tensor, torch.as_tensor):
            device, given = kwargs.pop("device", None), args[0] if args else kwargs["data"]
            made = _to(given, **kwargs) if _is_there(given) else function(*args, **kwargs)
            return made if device is None else _to(made, device)
        if there and name == "new_tensor":
            return _to(torch.tensor(*args[1:], **({"dtype": args[0].dtype} | kwargs)), CARD)
        if there and name in LIBRARY:
            return _of_library(function, args, kwargs)
        rounded = there and torch.is_autocast_enabled("cpu") and kwargs.get("dtype") is None
        if rounded and name in IN_FLOAT32:
            args = pytree.tree_map(_in_float32, args)
        inside = card.at_work or (there and kwargs.get("device") is None)
        with mock.patch.object(card, "at_work", inside):
            return function(*args, **kwargs)


def _in_float32(value):
    return value.float() if _is_there(value) and value.dtype in HALVES else value


def _check_generator(kwargs, tensors):
    has = kwargs["generator"].device.type
    wanted = torch.device(kwargs.get("device") or (tensors[0].device if tensors else HOST)).type
    if has != wanted:
        raise RuntimeError(f"Expected a '{wanted}' device type for generator but found '{has}'")


class _Operations(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _operate(operation, args, kwargs or {})


class _Autocast(torch.autocast):
    """The CPU's autocast over there: what it rounds is what CUDA's rounds; IN_FLOAT32 says what it must not."""

    def __init__(self, device_type, *args, **kwargs):
        super().__init__("cpu" if _names_card(device_type) else device_type, *args, **kwargs)


class _Generator(torch.Generator):
    def __new__(cls, device="cpu"):
        made = super().__new__(cls, "cpu")
        made.lies = torch.device(device)
        return made

    device = property(lambda self: self.lies)


def _moved(module, apply, *args, **kwargs):
    """A parameter stays the object that it was when it moves, as on a GPU."""
    future = torch.__future__
    before = future.get_swap_module_params_on_conversion()
    future.set_swap_module_params_on_conversion(True)
    try:
        return apply(module, *args, **kwargs)
    finally:
        future.set_swap_module_params_on_conversion(before)


def _answer(value, *_, **__):
    return value


@contextlib.contextmanager
def pretend_gpu():
    """Inside, PyTorch finds one GPU; gives the Card that counts what is asked of it."""
    card.__dict__ |= vars(Card())
    answers = dict.fromkeys(("is_available", "is_initialized", "is_bf16_supported"), True)
    answers |= {"device_count": 1, "current_device": 0, "is_current_stream_capturing": False}
    answers |= {"get_device_name": "pretended GPU", "max_memory_allocated": 0}
    answers |= {"get_rng_state": torch.zeros(16, dtype=torch.uint8)}
    nothing = "_lazy_init synchronize set_rng_state manual_seed manual_seed_all empty_cache"
    answers |= dict.fromkeys([*nothing.split(), "reset_peak_memory_stats"])
    enabled = torch.is_autocast_enabled
    with contextlib.ExitStack() as stack:
        for name, value in answers.items():
            answer = functools.partial(_answer, value)
            stack.enter_context(mock.patch.object(torch.cuda, name, answer))
        for place, name, value in (
            (torch.nn.Module, "_apply", functools.partialmethod(_moved, torch.nn.Module._apply)),
            (torch.nn.RNNBase, "flatten_parameters", lambda _: None),
            (torch, "autocast", _Autocast),
            (torch, "Generator", _Generator),
            (torch, "is_autocast_enabled", lambda kind="cuda": enabled("cpu")),
            (torch, "inference_mode", torch.no_grad),
        ):
            stack.enter_context(mock.patch.object(place, name, value))
        stack.enter_context(_Functions())
        stack.enter_context(_Operations())
        yield card
