"""What tools/first_gpu.sh does, step by step, the most valuable first: each in a process of its own
with a limit of seconds, a verdict in one line, numbers for the summary."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRETEND = bool(os.environ.get("FIRST_GPU_PRETEND"))
WHOLE = 470  # seconds in all
PATIENCE = float(os.environ.get("FIRST_GPU_PATIENCE", "1"))  # times as long, on a busy machine
ALL = ("11", "12", "13", "14", "20", "30", "40", "41", "42", "43", "44")
STUDIES = ("43", "40") if PRETEND else ALL
FLOAT32 = ("40",) if PRETEND else ("20", "40", "44", "14")  # the CPU computes them beside the GPU
LARGE = ("ResNet18", "ResNet50", "SeResnext152", "Densenet161", "Densenet201")
BAR = 6.0  # milliseconds of the paper's batch of video windows


# ---------------------------------------------------------------- steps: (verdict, numbers)


def card() -> tuple[str, dict]:
    """Which card, driver and CUDA, in how long."""
    import torch

    begun = time.perf_counter()
    total = float(torch.ones(1000, device="cuda").sum())
    seconds = time.perf_counter() - begun
    name = torch.cuda.get_device_name()
    numbers = {"card": name, "torch": torch.__version__, "cuda": torch.version.cuda}
    if not PRETEND:
        numbers["GiB"] = torch.cuda.get_device_properties(0).total_memory / 2**30
        numbers["capability"] = list(torch.cuda.get_device_capability())
    assert total == 1000
    return f"{name}, torch {torch.__version__}; first sum after {seconds:.1f} s", numbers


def study_runs(folder: Path) -> tuple[str, dict]:
    """Every study at smoke on the GPU, side by side, and those in float32 on the CPU as well."""
    waiting = [(n, "cuda") for n in STUDIES] + [(n, "cpu") for n in FLOAT32]
    running, ended = {}, {}
    side = max(1, (os.cpu_count() or 2) - 1) if not PRETEND else 1
    while waiting or running:
        while waiting and len(running) < side:
            job = waiting.pop(0)
            running[job] = (_started(f"study:{job[0]}:{job[1]}", folder), time.perf_counter())
        for job, (process, begun) in list(running.items()):
            if process.poll() is not None:
                said = _last_line(process.communicate()[0])
                ended["-".join(job)] = said | {"seconds": time.perf_counter() - begun}
                del running[job]
        time.sleep(0.2)
    bad = sorted(name for name, said in ended.items() if not said["ok"])
    text = f"{len(ended) - len(bad)} of {len(ended)} studies ended"
    return text + (f"; not: {', '.join(bad)}" if bad else ""), {"studies": ended, "ok": not bad}


def study(number: str, device: str, folder: Path) -> tuple[str, dict]:
    """One notebook's runs at smoke."""
    os.environ |= {"EMOLIB_DEVICE": device, "EMOLIB_JOBS": "1", "EMOLIB_DATA": str(folder / "none")}
    os.environ["EMOLIB_CACHE"] = str(folder / f"cache-{device}-{number}")
    from emolib.reproduction import studies

    for _, act in studies.tasks(number):
        act("smoke")
    return "ended", {}


def resumed() -> tuple[str, dict]:
    """A channels-last network that is killed and started again ends with the same weights."""
    import tempfile

    import torch
    from torch import nn

    from emolib import training

    def network():
        torch.manual_seed(1)
        layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(288, 2)
        return nn.Sequential(*layers).to("cuda", memory_format=torch.channels_last)

    x = torch.rand(8, 3, 8, 8).to("cuda", memory_format=torch.channels_last)
    y = (torch.arange(8) % 2).to("cuda")

    def fit(net, file=None, dies=None):
        def batches(epoch):
            if epoch == dies:
                raise KeyboardInterrupt
            return [(x, y)] * 3

        def loss(net, x, y):
            return nn.functional.cross_entropy(net(x), y)

        how = training.Settings(4, 1e-2, "adamw")
        training.fit(net, batches, loss, how, checkpoint=file, progress=False)
        return net[0].weight.detach().cpu()

    whole = fit(network())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "c"
        with contextlib.suppress(KeyboardInterrupt):
            fit(network(), file, dies=2)
        gap = float((fit(network(), file) - whole).abs().max())
    text = "ends with the same weights" if gap < 1e-6 else "ends with OTHER weights"
    return f"{text} (largest gap {gap:.1e})", {"gap": gap, "ok": gap < 1e-6}


def pictures() -> tuple[str, dict]:
    """Pictures a second and peak memory of five classifiers at 224 pixels, mixed precision."""
    import torch
    from torch.nn import functional as F

    from emolib import training
    from emolib.models import classifiers

    count, side, names = (2, 64, LARGE[:1]) if PRETEND else (256, 224, LARGE)
    numbers = {}
    for name in names:
        net = classifiers.build(name, classes=7).to("cuda", memory_format=torch.channels_last)
        x = torch.rand(count, 3, side, side, device="cuda")
        x, y = x.contiguous(memory_format=torch.channels_last), torch.arange(count).cuda() % 7
        how = training.Settings(1, 5e-4, "adamw", weight_decay=1e-4, mixed=True)
        step = training.optimizer(net, how)

        def batches(steps, x=x, y=y):
            return lambda epoch: [(x, y)] * steps

        def loss(net, x, y):
            return F.cross_entropy(net(x).float(), y)

        training.fit(net, batches(2), loss, how, step=step, progress=False)  # kernels are chosen
        begun, steps = time.perf_counter(), 2 if PRETEND else 8
        training.fit(net, batches(steps), loss, how, step=step, progress=False)
        rate = steps * count / (time.perf_counter() - begun)
        peak = torch.cuda.max_memory_allocated() / 2**30
        numbers[name] = {"pictures a second": round(rate), "peak GiB": round(peak, 1)}
        del net, step, x
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        print(f"  {name}: {rate:.0f} pictures/s, peak {peak:.1f} GiB", flush=True)
    return "; ".join(f"{k} {v['pictures a second']}/s" for k, v in numbers.items()), numbers


def video_batch() -> tuple[str, dict]:
    """The paper's batch of 64 windows, forward and back."""
    from emolib.reproduction.studies.video_networks import claims

    numbers = {}
    for length in (4,) if PRETEND else (256, 512):
        seconds = claims.batch_seconds(length=length, loss=claims.NI, count=2 if PRETEND else 64)
        numbers[str(length)] = round(1e3 * seconds, 2)
    least = min(numbers.values())
    said = "within" if least <= BAR else "ABOVE"
    return f"{numbers} ms by length, {said} the bar of {BAR:g} ms", numbers


def signals() -> tuple[str, dict]:
    """Magnified films, mel spectra, Candide and drawn faces: the CPU's numbers, how much faster."""
    import numpy as np
    import torch

    from emolib import candide, evm
    from emolib.data.sim import face, face_torch
    from emolib.features import mel

    rng, times = np.random.default_rng(5), 1 if PRETEND else 10
    film = torch.from_numpy(rng.integers(60, 190, (40, 48, 40, 3), np.uint8))
    wave = torch.from_numpy(rng.normal(size=16_000 * times).astype(np.float32))
    crowd, model = face.features(face.faces(0, 4 * times)), candide.load()
    points = torch.from_numpy(face.points(face.faces(0, 40 * times), 200)).double()
    tasks = {
        "evm": lambda d: evm.magnify(film.to(d), 30, 0.8, 3, 2).float(),
        "mel": lambda d: mel.log_mel(wave.to(d), 16_000),
        "candide": lambda d: candide.fit_shape(points.to(d), model).shape,
        "faces": lambda d: torch.from_numpy(face_torch.draw(crowd, 48, True, d)).float(),
    }
    bounds, numbers, text = {"evm": 1, "mel": 1e-2, "candide": 1e-6, "faces": 2}, {"ok": True}, []
    for name, task in tasks.items():
        out, seconds = {}, {}
        for device in ("cpu", "cuda"):
            task(device)
            begun = time.perf_counter()
            out[device] = torch.as_tensor(task(device)).cpu()
            seconds[device] = time.perf_counter() - begun
        gap = float((out["cpu"] - out["cuda"]).abs().max())
        good = gap <= bounds[name]
        numbers["ok"] &= good
        numbers[name] = {"gap": gap, "bound": bounds[name], "seconds": seconds}
        text.append(f"{name} {'agrees' if good else f'is {gap:.2g} OFF'}")
    return ", ".join(text), numbers


def against_cpu(folder: Path) -> tuple[str, dict]:
    """Middle and largest relative gap of the arrays of each float32 study, GPU against CPU.

    Networks amplify the last digit from step to step, so that the largest says little by itself.
    """
    import numpy as np

    numbers = {"ok": True}
    for number in FLOAT32:
        sides = []
        for device in ("cpu", "cuda"):
            sides.append(_stored(folder / f"cache-{device}-{number}" / "runs"))
        gaps = [0.0]
        for name in sides[0].keys() & sides[1].keys():
            for a, b in zip(sides[0][name], sides[1][name], strict=True):
                if a.dtype.kind == "f" and a.shape == b.shape and a.size:
                    scale = np.nanmax(np.abs(a)) + 1e-12
                    gaps.append(float(np.nanmax(np.abs(a - b)) / scale))
        numbers[number] = {"runs": len(sides[0].keys() & sides[1].keys())}
        numbers[number] |= {"middle": float(np.median(gaps)), "largest": max(gaps)}
        numbers["ok"] &= numbers[number]["runs"] > 0
    said = [
        f"{n}: {numbers[n]['middle']:.0e} in the middle, {numbers[n]['largest']:.0e} at most"
        for n in FLOAT32
    ]
    return "relative gaps " + "; ".join(said), numbers


def _stored(folder: Path) -> dict[str, list]:
    """Run and arguments -> its arrays in order, of every run in a store."""
    import numpy as np

    found = {}
    for path in sorted(folder.glob("*/*.json")):
        about = json.loads(path.read_text())["about"]
        name = json.dumps([about["run"], about["arguments"]], sort_keys=True)
        arrays = path.with_suffix(".npz")
        with np.load(arrays) if arrays.exists() else contextlib.nullcontext({}) as file:
            found[name] = [file[k] for k in sorted(file)]
    return found


def clip() -> tuple[str, dict]:
    """MRPN at its printed size: one step on a batch of clips, and the memory it takes."""
    import torch

    from emolib.models.mrpn import MRPN

    batch, frames, side, width = (2, 1, 64, 4) if PRETEND else (16, 8, 224, 64)
    net = MRPN(8, width=width).to("cuda", memory_format=torch.channels_last)
    shown = torch.rand(batch, frames, 3, side, side, device="cuda")
    heard = torch.rand(batch, frames, 1, side, side, device="cuda")
    label = torch.arange(batch).cuda() % 8

    def step():
        with torch.autocast("cuda", torch.bfloat16):
            scores = net(shown, heard)
        torch.nn.functional.cross_entropy(scores.float(), label).backward()

    return _timed({"MRPN": step})


def steps() -> tuple[str, dict]:
    """Milliseconds a step of the video networks in their stack, and of the transformers."""
    import torch

    from emolib.models.transformer import NETWORKS, Multi
    from emolib.models.video import WIDTHS, Full

    length, batch, members = (4, 2, 2) if PRETEND else (256, 64, 8)
    full = Full(seeds=list(range(members))).to("cuda")
    read = {k: torch.rand(batch, length, w, device="cuda") for k, w in WIDTHS.items()}
    narrow = {"width": 16, "heads": 2, "layers": 1, "feedforward": 32} if PRETEND else {}
    widths = {"mesh": 1404, "image": 2048, "evm": 2048}
    multi = Multi(widths=widths, **narrow).to("cuda")
    given = {k: torch.rand(8, min(length, 128), w, device="cuda") for k, w in widths.items()}
    assert "Multi Transformer" in NETWORKS

    def of(net, inputs):
        def step():
            with torch.autocast("cuda", torch.bfloat16):
                out = net(inputs)
            out.float().square().mean().backward()

        return step

    return _timed({f"{members} video networks": of(full, read), "transformer": of(multi, given)})


def _timed(tasks: dict) -> tuple[str, dict]:
    import torch

    numbers = {}
    for name, step in tasks.items():
        torch.cuda.reset_peak_memory_stats()
        seconds = []
        for _ in range(2 if PRETEND else 8):
            begun = time.perf_counter()
            step()
            torch.cuda.synchronize()
            seconds.append(time.perf_counter() - begun)
        peak = torch.cuda.max_memory_allocated() / 2**30
        numbers[name] = {"ms": round(1e3 * min(seconds), 1), "peak GiB": round(peak, 1)}
    return "; ".join(
        f"{k} {v['ms']} ms, peak {v['peak GiB']} GiB" for k, v in numbers.items()
    ), numbers


# name, seconds at most, what
STEPS = (
    ("card", 40, card),
    ("studies at smoke", 210, study_runs),
    ("resume", 30, resumed),
    ("pictures", 90, pictures),
    ("video batch", 40, video_batch),
    ("signals", 60, signals),
    ("against the CPU", 20, against_cpu),
    ("MRPN clip", 40, clip),
    ("steps", 40, steps),
)


# ---------------------------------------------------------------- processes


def _started(step: str, folder: Path) -> subprocess.Popen:
    here = [sys.executable, "-P", __file__, str(folder), step]
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "EMOLIB_DEVICE": "cuda"}
    environment["PYTHONWARNINGS"] = "ignore"
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(here, env=environment, cwd=ROOT, start_new_session=True, **kept)


def _last_line(out: str) -> dict:
    """What a step said at its end; what it printed last where it did not come to its end."""
    lines = out.strip().splitlines() or [""]
    with contextlib.suppress(ValueError):
        return json.loads(lines[-1])
    return {"ok": False, "verdict": f"ended early: {lines[-1][:200]}", "numbers": {}}


def inside(name: str, folder: Path) -> None:
    """One step in this process; its answer is the last line."""
    sys.path.insert(0, str(ROOT / "tests"))
    there = contextlib.nullcontext()
    if PRETEND and not name.endswith(":cpu"):
        from pretend_gpu import pretend_gpu

        there = pretend_gpu()
    with there:
        try:
            if name.startswith("study:"):
                verdict, numbers = study(*name.split(":")[1:], folder)
            else:
                act = {step: act for step, _, act in STEPS}[name]
                verdict, numbers = act(folder) if act in (study_runs, against_cpu) else act()
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            verdict, numbers = f"{type(error).__name__}: {first[:160]}", {"ok": False}
    said = {"ok": bool(numbers.pop("ok", True)), "verdict": verdict, "numbers": numbers}
    print("\n" + json.dumps(said), flush=True)


def main(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "none").mkdir(exist_ok=True)
    begun, summary = time.perf_counter(), {}
    for name, usual, _ in STEPS:
        limit = usual * PATIENCE
        left = WHOLE * PATIENCE - (time.perf_counter() - begun)
        at = time.perf_counter()
        if left < 5:
            said = {"ok": False, "verdict": "not begun: time is up", "numbers": {}}
        else:
            process = _started(name, folder)
            try:
                said = _last_line(process.communicate(timeout=min(limit, left))[0])
            except subprocess.TimeoutExpired:
                _end(process)
                said = {"ok": False, "verdict": f"not ended after {limit:.0f} s", "numbers": {}}
        summary[name] = said | {"seconds": round(time.perf_counter() - at, 1)}
        mark = "ok  " if said["ok"] else "LOOK"
        print(f"{mark} {name} ({summary[name]['seconds']} s): {said['verdict']}", flush=True)
        (folder / "first_gpu.json").write_text(json.dumps(summary, indent=1))
    print(f"summary: {folder / 'first_gpu.json'}")
    return 0 if all(said["ok"] for said in summary.values()) else 1


def _end(process: subprocess.Popen) -> None:
    """A step, and the processes that it started: each session is a process group."""
    import signal

    started = [process.pid]
    for child in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = child.read_text().rpartition(")")[2].split()
            if int(words[1]) == process.pid:
                started.append(int(child.parent.name))
    for pid in started:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    where = Path(sys.argv[1]).absolute()
    sys.exit(inside(sys.argv[2], where) if len(sys.argv) > 2 else main(where))
