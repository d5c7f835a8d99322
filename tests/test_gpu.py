"""What a GPU would refuse, drawn from a GPU that is not there (pretend_gpu.py), and that nothing of it is touched under `--device cpu`."""

import copy
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from clip_files import save_film
from cluster_runs import too_large, where
from pretend_gpu import pretend_gpu

from emolib import candide, evm, training
from emolib.features import mel
from emolib.features.backbone import Backbone
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models import classifiers, face_cnn, members, mrpn, resnet_lstm, transformer, vgg, video
from emolib.reproduction import runs, studies
from emolib.reproduction.cli import main as cli
from emolib.reproduction.runs import grid
from emolib.reproduction.runs.store import Store
from emolib.training import loop

pytestmark = pytest.mark.usefixtures("one_thread")
# attention's kernel is chosen by what C++ takes for a CPU
CHOSEN = (
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention_for_cpu_backward",
)


@pytest.fixture
def gpu(monkeypatch):
    """This run's device is a GPU that is not there; at the end every kernel asked for exists on CUDA."""
    monkeypatch.setenv("EMOLIB_DEVICE", "cuda")
    with pretend_gpu() as card:
        yield card
    assert card.no_kernel <= set(CHOSEN)


@pytest.fixture
def present(monkeypatch):
    """A GPU is there, and whoever opens it fails."""

    def opened(*_, **__):
        raise AssertionError("a GPU was opened under --device cpu")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    for name in ("get_rng_state", "set_rng_state", "current_device", "_lazy_init"):
        monkeypatch.setattr(torch.cuda, name, opened)


# ---------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    "misuse, hint",
    [
        (lambda: nn.Linear(3, 2).to("cuda")(torch.ones(2, 3)), "same device"),
        (lambda: nn.Linear(3, 2)(torch.ones(2, 3, device="cuda")), "same device"),
        (lambda: torch.cat([torch.ones(2), torch.ones(2, device="cuda")]), "same device"),
        (lambda: torch.ones(3)[torch.tensor([1], device="cuda")], "indices"),
        (lambda: np.asarray(torch.ones(2, device="cuda")), "numpy"),
        (lambda: torch.rand(3, generator=torch.Generator(), device="cuda"), "generator"),
        (lambda: resting(nn.LSTM(2, 3)).sum().backward(), "training mode"),
        (lambda: unlike_moments(), "layout"),
    ],
)
def test_what_cuda_refuses_is_refused(misuse, hint, gpu):
    with pytest.raises((RuntimeError, TypeError), match=hint):
        misuse()


def resting(net):
    return net.cuda().eval()(torch.ones(4, 1, 2, device="cuda"))[0]


def unlike_moments():
    """A fused step over moments that were laid row by row, of a parameter that is not."""
    weight = nn.Parameter(torch.ones(2, 3, 4, 4).cuda().to(memory_format=torch.channels_last))
    step = torch.optim.Adam([weight], fused=True)
    weight.square().sum().backward()
    step.step()
    for name in ("exp_avg", "exp_avg_sq"):
        step.state[weight][name] = torch.zeros(2, 3, 4, 4, device="cuda")
    step.step()


def test_single_numbers_and_indices_may_stay_on_the_cpu(gpu):
    x = torch.arange(3.0, device="cuda")
    assert (x[torch.tensor([1])] + torch.tensor(2.0)).cpu().tolist() == [3.0]


# ---------------------------------------------------------------- training


def trained(place, checkpoint=None, die=None, kind="adamw", epochs=4):
    """Weights of a small channels-last network after some epochs; `die`: the epoch that a kill ends."""
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(144, 2)
    )
    net = net.to(place, memory_format=torch.channels_last)
    x = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x, y = x.to(place, memory_format=torch.channels_last), (torch.arange(8) % 2).to(place)

    def batches(epoch):
        if epoch == die:
            raise KeyboardInterrupt
        return [(x, y)] * 3

    def loss(net, x, y):
        return nn.functional.cross_entropy(net(x), y)

    how = training.Settings(epochs, 1e-2, kind, patience=9)
    validate = {"validate": lambda net, epoch: float(net(x)[0, 0]), "keep_best": True}
    training.fit(net, batches, loss, how, checkpoint=checkpoint, progress=False, **validate)
    return [p.detach().cpu() for p in net.parameters()]


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_training_goes_on_from_its_checkpoint_with_the_cpus_numbers(kind, gpu, tmp_path):
    whole = trained("cpu", kind=kind)
    assert same(trained("cuda", kind=kind), whole)
    with pytest.raises(KeyboardInterrupt):
        trained("cuda", tmp_path / "c", die=2, kind=kind)
    with loop.safe_open(tmp_path / "c", "pt") as file:
        assert "random on the GPU" in file.keys()  # noqa: SIM118 not a dict
    assert same(trained("cuda", tmp_path / "c", kind=kind), whole)


def test_a_cpu_run_opens_no_gpu(present, tmp_path):
    with training.seeded(3):
        drawn = torch.rand(2)
    with pytest.raises(KeyboardInterrupt):
        trained("cpu", tmp_path / "c", die=2)
    assert same(trained("cpu", tmp_path / "c"), trained("cpu")) and len(drawn) == 2


def test_seeded_leaves_the_gpus_stream_as_it_was(gpu, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda *_, **__: asked.append(1))
    with training.seeded(3):
        pass
    assert asked


def test_an_lstm_of_many_members_asks_for_four_kernels_a_step(gpu):
    def outcome(place):
        net = members.initialise(members.LSTM(3, 5, 7), [0, 1, 2]).double().to(place)
        x = torch.rand(3, 2, 64, 5, generator=torch.Generator().manual_seed(0)).double().to(place)
        (net(x) * torch.linspace(0, 1, 7).double().to(place)).square().sum().backward()
        return [net(x).detach().cpu(), *(p.grad.cpu() for p in net.parameters())]

    expected, before = outcome("cpu"), gpu.launches
    for a, b in zip(outcome("cuda"), expected, strict=True):
        torch.testing.assert_close(a, b)
    assert gpu.launches - before < 6.5 * 64  # with the second way there: two a step


# ---------------------------------------------------------------- devices and runs


def test_magnify_takes_auto_and_names_a_missing_gpu_in_one_line(tmp_path, capsys, monkeypatch):
    from emolib.evm import film

    monkeypatch.setattr(film, "_twice", lambda path, frames, asked, pieces: pieces("read"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(settings, "_driver", lambda: "")
    save_film(tmp_path / "a.mp4")
    command = ["magnify", str(tmp_path / "a.mp4"), "--device"]
    assert cli.main([*command, "auto"]) == 0
    assert (tmp_path / "a-color.mp4").is_file()
    assert cli.main([*command, "cuda"]) == 2
    assert "PyTorch sees no GPU" in capsys.readouterr().err


def test_a_driver_that_is_too_old_is_said_once(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat\n"
    )
    assert settings._driver(tmp_path / "version") == "535.104.05"
    assert settings._driver(tmp_path / "none") == ""
    monkeypatch.setattr(settings, "_driver", lambda: "535.104.05")
    monkeypatch.setenv("EMOLIB_DEVICE", "auto")
    assert settings.device() == settings.device() == "cpu"
    (line,) = capsys.readouterr().err.splitlines()
    assert "CUDA 13.0" in line and "535.104.05" in line and line.endswith("computing on the CPU")
    with pytest.raises(EmolibError, match="535.104.05"):
        settings.device("cuda")


@pytest.mark.slow
def test_runs_without_a_tensor_on_the_gpu_go_side_by_side(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("EMOLIB_DEVICE", "cuda")
    grid.ledger(clear=True)
    beside = runs.map(where, [{"number": k} for k in (1, 2)], jobs=2, host=True)
    assert os.getpid() not in {r["process"] for r in beside}
    assert (
        {r["device"] for r in beside}
        == {used.device for used in grid.ledger(clear=True)}
        == {"cpu"}
    )
    (here,) = runs.map(where, [{"number": 3}], jobs=2)
    assert (here["process"], here["device"]) == (os.getpid(), "cuda")
    assert runs.map(where, [{"number": 4}], jobs=1, host=True)[0]["device"] == "cpu"
    assert os.environ["EMOLIB_DEVICE"] == "cuda"


def test_stored_runs_of_a_cpu_are_said_before_a_gpu_takes_them(monkeypatch, capsys):
    runs.map(where, [{"number": k} for k in (1, 2)], jobs=1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("EMOLIB_DEVICE", "cuda")
    made = runs.map(where, [{"number": k} for k in (1, 2, 3)], jobs=1, label="places")
    assert [r["device"] for r in made] == ["cpu", "cpu", "cuda"]
    assert "places: 2 of 3 runs were computed on a CPU" in capsys.readouterr().err
    runs.map(where, [{"number": 3}], jobs=1)
    assert not capsys.readouterr().err.count("computed on a CPU")


def test_memory_that_runs_out_is_one_line_with_the_batch():
    with pytest.raises(
        EmolibError, match=r"batches of 256 \[run too_large\].*--set batch=N"
    ) as said:
        runs.map(too_large, [{"recipe": {"batch": 256}}], jobs=1)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("number", studies.FOLDERS)
def test_full_is_one_size_on_every_machine(number, monkeypatch):
    plan = __import__(
        f"emolib.reproduction.studies.{studies.FOLDERS[number]}.plan", fromlist=["Study"]
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    sizes = []
    for device in ("cpu", "cuda"):
        monkeypatch.setenv("EMOLIB_DEVICE", device)
        sizes.append(plan.Study("full").sizes)
    assert sizes[0] == sizes[1]


# ---------------------------------------------------------------- inputs, whatever the device


def test_features_of_a_backbone_do_not_depend_on_the_device(gpu):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), np.uint8)
    here, there = (
        Backbone("resnet18-random", device).features(pictures) for device in ("cpu", "cuda")
    )
    assert np.array_equal(here, there)
    assert not any("bfloat16" in operation for operation in gpu.operations)


@pytest.mark.slow
def test_the_films_of_notebook_12_do_not_depend_on_the_device(gpu, monkeypatch):
    from emolib import data
    from emolib.reproduction.studies.transformers import training as streams

    world = data.load("aff_wild", profile="smoke", videos=1)
    how = streams.Recipe(thin=3, most=4, size=32, backbone="phog")
    there = streams.streams_of(world, 0, how)
    monkeypatch.setenv("EMOLIB_DEVICE", "cpu")
    here = streams.streams_of(world, 0, how)
    assert all(np.array_equal(there[name], here[name], equal_nan=True) for name in here)
    assert gpu.launches == 0


@pytest.mark.slow
def test_luma_is_not_rounded_to_half(gpu, monkeypatch):
    from emolib.data import reference
    from emolib.reproduction.studies.mrpn import plan
    from emolib.reproduction.studies.mrpn import training as fusion

    def fed(images, fed=fusion.fed):
        assert not torch.is_autocast_enabled("cuda")
        return fed(images)

    monkeypatch.setattr(fusion, "fed", fed)
    data = plan.simulated("crema_d", 9, size=32)
    size = fusion.Size(
        each=1, width=2, frames=1, side=32, hop_length=512, pool=8, epochs=1, rate=2e-3
    )
    how = {"option": "VA+AO", "aggregator": "LSTM", "start": None, "size": asdict(size), "seed": 0}
    about = {"data": reference(data), "name": "crema_d", "fold": "S1", "method": "N2"}
    result = fusion.end_to_end(**about, **how)
    assert np.isfinite(result["scores"]).all()
    assert any(
        o[0].startswith(("convolution", "mkldnn")) and "bfloat16" in o for o in gpu.operations
    )


@pytest.mark.slow
def test_sound_and_faces_and_films_are_the_cpus(gpu):
    from emolib.data.sim import face

    wave = torch.sin(torch.arange(8000) * 0.1)
    here, there = (mel.log_mel(wave.to(d), 16_000).cpu() for d in ("cpu", "cuda"))
    assert torch.equal(here, there)
    crowd = face.faces(0, 2)
    here, there = (face.render(crowd, 24, device=d).astype(int) for d in ("cpu", "cuda"))
    assert np.abs(here - there).max() <= 2
    points = torch.from_numpy(face.points(face.faces(0, 5), 200)).double()
    fits = [candide.fit_joint(points.to(d), candide.load()) for d in ("cpu", "cuda")]
    assert torch.equal(fits[0].units, fits[1].units.cpu())
    film = np.random.default_rng(5).integers(60, 190, (40, 30, 24, 3), np.uint8)
    for filter in evm.FILTERS:
        here, there = (
            evm.magnify(torch.from_numpy(film).to(d), 30, 0.8, 3, 2, filter=filter).cpu().int()
            for d in ("cpu", "cuda")
        )
        assert (here - there).abs().max() <= 1


def test_hours_of_full_are_counted_and_marked():
    from emolib.reproduction.cli import hours

    whole, once = hours.hours(), hours.hours(one_seed=True)
    for number, work in whole.items():
        assert 0 < once[number].seconds <= work.seconds and work.expected <= work.seconds
        assert work.kernels > 0 and work.mult_adds > 0
    assert sum(work.seconds for work in whole.values()) < 15 * 3600
    assert sum(work.expected for work in once.values()) < 3 * 3600
    said = hours.table(["13", "44"])
    assert "estimated and not measured" in said and "assumed" in said
    assert [line.split()[0] for line in said.splitlines()[3:]] == ["13", "44", "all"]
    assert "none" in hours.table(["20"])


def kernels_of(gpu, net, inputs, call=None, mixed=True):
    """What a step of AdamW asks for, once its moments are there; `call`: (net, *inputs) -> output."""
    call = call or (lambda net, *inputs: net(*inputs))
    net = net.to("cuda", memory_format=torch.channels_last)
    inputs = [x.cuda() for x in inputs]
    how = training.Settings(1, 1e-4, "adamw", mixed=mixed)
    step = training.optimizer(net, how)
    for _ in range(2):
        before = gpu.launches
        training.fit(
            net,
            lambda epoch: [inputs],
            lambda net, *x: call(net, *x).float().square().mean(),
            how,
            step=step,
        )
    return gpu.launches - before


@pytest.mark.slow
def test_the_hours_count_the_kernels_that_a_step_asks_for(gpu):
    from emolib.reproduction.cli import hours

    picture, near = torch.rand(2, 3, 64, 64), {"rel": 0.1}
    nets = {
        "ResNet18": (classifiers.build("ResNet18", classes=7), [picture]),
        "ResNet50": (classifiers.build("ResNet50", classes=7), [picture]),
        "VGG-16": (vgg.Vgg16(7, width=1 / 16), [torch.rand(2, 3, 224, 224)]),
        "one stream": (resnet_lstm.OneStream(1, 8, width=8), [torch.rand(2, 6, 1, 64, 64)]),
    }
    for name, (net, inputs) in nets.items():
        assert kernels_of(gpu, net, inputs) == pytest.approx(hours.KERNELS[name], **near)
    # attention without dropout is one kernel here too; then a dropout is one there and one back
    net = transformer.Mesh(widths={"mesh": 12}, width=32, feedforward=32, dropout=0.0)
    drops = 2 * sum(isinstance(layer, nn.Dropout) for layer in net.modules())
    meshes = [torch.rand(2, 8, 12)]
    asked = kernels_of(gpu, net, meshes, lambda net, x: net({"mesh": x}), mixed=False)
    assert asked + drops == pytest.approx(hours.KERNELS["transformer"], **near)


@pytest.mark.slow
def test_the_hours_count_four_kernels_a_step_of_all_video_networks(gpu):
    from emolib.reproduction.cli import hours
    from emolib.reproduction.studies.video_networks import training as networks

    asked = []
    widths = dict.fromkeys(video.WIDTHS, 6)
    sizes = dict(zip(video.NETWORKS, ([8, 8, 8], [8, 8], [8], [8]), strict=True))
    losses = {"losses": list(networks.MAIN), "hidden": 4, "dropout": 0.5}
    for length in (8, 16):
        each = {name: losses | {"sizes": size} for name, size in sizes.items()}
        net, members = networks.grid(each, 0, widths)
        rates = torch.full((len(members),), 0.01).cuda()
        step = net.cuda().optimizer(rates, momentum=0.9, weight_decay=5e-4)
        loss = networks.Together([name for _, name in members], "cuda")
        read = {name: torch.rand(2 * length, 6).to("cuda", torch.bfloat16) for name in widths}
        batch = torch.rand(2, length, 2).cuda(), torch.ones(2, length, dtype=bool).cuda(), read
        how = training.Settings(1, 0.01, "sgd", mixed=True)

        def value(net, target, mask, read, loss=loss, length=length):
            return loss(networks.predict(net, read, length), target, mask)

        for _ in range(2):
            before = gpu.launches
            training.fit(net, lambda epoch, batch=batch: [batch], value, how, step=step)
        asked.append(gpu.launches - before)
    assert (asked[1] - asked[0]) / 8 == pytest.approx(hours.A_STEP, abs=0.5)
    assert asked[0] - 8 * hours.A_STEP == pytest.approx(hours.FOUR_NETWORKS, rel=0.1)


def test_products_are_rounded_on_a_gpu_only(gpu, monkeypatch):
    from emolib.training.products import in_tf32

    before = torch.get_float32_matmul_precision()
    with in_tf32():
        assert torch.get_float32_matmul_precision() == "high"
    assert torch.get_float32_matmul_precision() == before
    monkeypatch.setenv("EMOLIB_DEVICE", "cpu")
    # the setting is of the whole process: a CPU run leaves it alone
    monkeypatch.setattr(torch, "set_float32_matmul_precision", lambda _: pytest.fail("touched"))
    with in_tf32():
        assert torch.get_float32_matmul_precision() == before


# ---------------------------------------------------------------- every study, at smoke

# Runs in float32 whose sums have one order everywhere: their numbers are the CPU's, to the last bit.
EXACT = (
    *(
        "sfew.training.run",
        "candide.training.dense",
        "candide.training.lesson",
        "candide.training.machines",
    ),
    *(
        "candide.training.measure",
        "mrpn.features.bank",
        "mrpn.training.sweep",
        "adfes.training.look",
    ),
    *("explored.training.run", "speech.training.functionals", "transformers.training.make"),
)
# Of the others (bfloat16, and dropout's masks with it; convolutions over channels last; LSTMs of four kernels a step)
# the first epoch's loss is near: without dropout within a twentieth, with it, on some ten windows, within a quarter.
NEAR = {"12": 0.25}


def stored(number: str, folder: Path) -> dict[str, dict]:
    """Run and arguments -> result, of all runs of a study at smoke in a store of its own."""
    os.environ["EMOLIB_CACHE"], os.environ["EMOLIB_JOBS"] = str(folder), "1"
    for _, act in studies.tasks(number):
        act("smoke")
    found, store = {}, Store(folder / "runs")
    for path in sorted((folder / "runs").glob("*/*.json")):
        about = json.loads(path.read_text())["about"]
        name = json.dumps([about["run"], about["arguments"]], sort_keys=True)
        found[name] = store.read(path.stem)["value"]
    return found


def leaves(value, name=""):
    """(name, array) of everything in a result but times."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, f"{name}.{k}") if "second" not in k else ()
    elif isinstance(value, list):
        for k, v in enumerate(value):
            yield from leaves(v, f"{name}.{k}")
    else:
        yield name, np.asarray(value)


@pytest.mark.slow
@pytest.mark.parametrize("number", studies.FOLDERS)
def test_a_study_runs_on_a_gpu_and_gives_the_cpus_numbers(number, tmp_path, monkeypatch):
    here = stored(number, tmp_path / "cpu")
    monkeypatch.setenv("EMOLIB_DEVICE", "cuda")
    with pretend_gpu() as card:
        there = stored(number, tmp_path / "gpu")
    assert card.no_kernel <= set(CHOSEN)
    # where processes go side by side, extractors are trained in some of them beforehand
    assert all("beforehand" in run for run in here.keys() ^ there.keys())
    for run in here.keys() & there.keys():
        for (name, a), (_, b) in zip(leaves(here[run]), leaves(there[run]), strict=True):
            assert a.shape[1:] == b.shape[1:] and a.dtype == b.dtype, (run, name)
            if any(exact in run for exact in EXACT):
                assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), (run, name)
            elif name == ".loss" and a.ndim:
                assert np.allclose(a[:1], b[:1], rtol=NEAR.get(number, 0.05)), (run, name)


# ---------------------------------------------------------------- networks of printed size, one step


def printed():
    """Name -> (network, inputs) of every family at full width, on the smallest batch."""
    draw = torch.Generator().manual_seed(0)

    def x(*shape):
        return torch.rand(*shape, generator=draw)

    streams = {name: x(2, 4, width) for name, width in video.WIDTHS.items()}
    meshes = {"mesh": x(2, 4, 1404), "image": x(2, 4, 2048), "evm": x(2, 4, 2048)}
    yield "video", video.Full(), (streams,)
    yield "video, stacked", video.Full(seeds=[0, 1]), (streams,)
    widths = {name: v.shape[-1] for name, v in meshes.items()}
    yield "transformer", transformer.Multi(widths=widths), (meshes,)
    yield "MRPN", mrpn.MRPN(8), (x(2, 2, 3, 64, 64), x(2, 2, 1, 64, 64))
    yield "resnet and LSTM", resnet_lstm.OneStream(1, 8), (x(2, 2, 1, 64, 64),)
    yield "VGG-16", vgg.Vgg16(7), (x(2, 3, 224, 224),)
    for name in ("ResNet18", "SeResnext50", "Densenet121"):
        yield name, classifiers.build(name, classes=7), (x(2, 3, 64, 64),)
    for name, (make, size) in face_cnn.CNNS.items():
        yield name, make(4, narrow=1), (x(2, 1, size, size),)


def step_of(net, inputs, place, mixed):
    """Score and gradients of one step in training, on `place`."""
    net = copy.deepcopy(net).to(place, memory_format=torch.channels_last).train()
    for layer in net.modules():  # its stream is the GPU's own
        if isinstance(layer, (nn.Dropout, members.Dropout)):
            layer.p = 0.0
        if isinstance(layer, nn.MultiheadAttention):
            layer.dropout = 0.0
    inputs = [
        {k: v.to(place) for k, v in x.items()} if isinstance(x, dict) else x.to(place)
        for x in inputs
    ]
    with torch.autocast(place, torch.bfloat16, enabled=mixed):
        out = net(*inputs)
    out.float().square().mean().backward()
    return [
        out.detach().float().cpu(),
        *(p.grad.cpu() for p in net.parameters() if p.grad is not None),
    ]


@pytest.mark.slow
def test_networks_of_printed_size_take_a_step_there(gpu):
    torch.manual_seed(0)
    for name, net, inputs in printed():
        here, there = (step_of(net, inputs, place, False) for place in ("cpu", "cuda"))
        for a, b in zip(here, there, strict=True):
            assert torch.allclose(a, b, rtol=1e-4, atol=1e-5 * (1 + float(a.abs().max()))), name
        assert gpu.operations
        (rounded, *_) = step_of(net, inputs, "cuda", True)
        assert torch.isfinite(rounded).all(), name
