"""Time a training step of fastnst beside a plain loop's, side by side, and show where its time goes.

    python scripts/benchmarks/training.py PHOTOS PAINTING --size 256 --batch 4 --steps 20

The plain loop is that of a tutorial: the same net of torch's own layers in float32 and the usual memory layout, VGG-16 up to
the last style layer on photo and painting, photos decoded in the same process. Both run in processes of their own, in turn,
twice. The script then prints the parts of fastnst's step, and the floor: the time of the step's arithmetic at the rate at
which this machine multiplies large bfloat16 matrices.
"""

import argparse
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

WARM_UP = 3
"""Number of steps at the start that are not counted."""
STYLE = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


class PlainNet(nn.Module):
    """Net of Johnson et al. 2016 with the usual fixes, of torch's own layers."""

    def __init__(self) -> None:
        super().__init__()

        def unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
            pad = nn.ReflectionPad2d(kernel // 2)
            return [
                pad,
                nn.Conv2d(inputs, outputs, kernel, stride),
                nn.InstanceNorm2d(outputs, affine=True),
            ]

        self.down = nn.Sequential(
            *unit(3, 32, 9),
            nn.ReLU(),
            *unit(32, 64, 3, 2),
            nn.ReLU(),
            *unit(64, 128, 3, 2),
            nn.ReLU(),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*unit(128, 128, 3), nn.ReLU(), *unit(128, 128, 3)) for _ in range(5)
        )
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"), *unit(128, 64, 3), nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="bilinear"), *unit(64, 32, 3), nn.ReLU(),
            nn.ReflectionPad2d(4), nn.Conv2d(32, 3, 9),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Paint photos (N, 3, H, W), 0..255."""
        x = self.down(x / 127.5 - 1)
        for block in self.blocks:
            x = x + block(x)
        return 127.5 + 150 * torch.tanh(self.up(x))


def plain_steps(options: argparse.Namespace) -> Iterator[None]:
    """The tutorial's training, one step at a time."""
    from fastnst.perceptual import load_loss_network
    from fastnst.perceptual.image_tensor import image_to_tensor
    from fastnst.perceptual.loss_network import Vgg

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, net = load_loss_network().to(device), PlainNet().to(device)
    assert isinstance(network, Vgg)
    convolutions = dict(network.layers.named_children())

    def vgg(x: Tensor) -> dict[str, Tensor]:
        features, block = {}, "1"
        x = x - network.mean
        for name, conv in convolutions.items():
            if name[0] != block:
                x, block = F.max_pool2d(x, 2), name[0]
            x = F.relu(conv(x))
            features[f"relu{name}"] = x
            if name == "4_3":
                return features
        raise AssertionError

    def gram(f: Tensor) -> Tensor:
        n, c, h, w = f.shape
        flat = f.view(n, c, h * w)
        return flat.bmm(flat.transpose(1, 2)) / (c * h * w)

    with Image.open(options.painting) as image:
        style = image_to_tensor(image.convert("RGB").resize((512, 512)), device)
    with torch.no_grad():
        wanted = {name: gram(vgg(style)[name]) for name in STYLE}
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    files = sorted(Path(options.photos).rglob("*.jpg"))
    while True:
        batch = []
        for _ in range(options.batch):
            with Image.open(files[np.random.randint(len(files))]) as image:
                scale = options.size / min(image.size)
                width, height = (max(options.size, round(side * scale)) for side in image.size)
                photo = image.convert("RGB").resize((width, height))
            batch.append(np.array(photo)[: options.size, : options.size])
        photos = (
            torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).contiguous().float().to(device)
        )
        optimizer.zero_grad()
        painted = net(photos)
        found, target = vgg(painted), vgg(photos)
        content = F.mse_loss(found["relu3_3"], target["relu3_3"])
        total = content + sum(
            F.mse_loss(gram(found[name]), wanted[name].expand(options.batch, -1, -1))
            for name in STYLE
        )
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        yield


def fast_seconds(options: argparse.Namespace) -> float:
    """Return the median seconds of a step of `fastnst train`."""
    import pytorch_lightning as pl

    cli = configured(options, options.steps + WARM_UP)
    ends: list[float] = []

    class Clock(pl.Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            ends.append(time.perf_counter())

    cli.trainer.callbacks.append(Clock())
    # Not in a thread: memory that is freed there goes back to the system each time.
    cli.trainer.fit(cli.model, cli.datamodule)
    return statistics.median(np.diff(ends[WARM_UP - 1 :]).tolist())


def configured(options: argparse.Namespace, steps: int) -> Any:
    """Net, data and trainer, as `fastnst train` makes them."""
    from fastnst.system.package_data import bundled
    from fastnst.training.configuration import configure

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    values = {
        # Each part of a step by itself: of one pass.
        "model": {"painting": {"path": options.painting}, "net": {"levels": 1}},
        "data": {"source": options.photos, "crop": options.size, "batch_size": options.batch},
        "trainer": {"max_steps": steps, "val_check_interval": 1000000, "default_root_dir": "runs/benchmark"},
    }  # fmt: skip
    return configure([bundled("configs") / "base.yaml", values])


def timed(steps: Iterator[None], count: int) -> float:
    """Return the median seconds of a step, after the warm-up."""
    for _ in range(WARM_UP):
        next(steps)
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        next(steps)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def parts(options: argparse.Namespace) -> dict[str, float]:
    """Return the seconds of each part of a step, and the number of its operations."""
    from torch.utils.flop_counter import FlopCounterMode

    from fastnst.training.muon import Muon
    from fastnst.training.optimizers import parameter_groups

    cli = configured(options, 1)
    module, data = cli.model, cli.datamodule
    data.setup("fit")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module.to(device)
    loss = module.objective.at(0)
    module.objective.prepare(data.calibration, lambda scale: module.styles.load(data.crop, scale))
    optimizer = Muon(parameter_groups(module.net, module.optimizer))
    loader = iter(data.train_dataloader())
    batch = next(loader).photos.to(device)
    photos = batch.to(torch.float32, memory_format=torch.channels_last)
    low = cli.trainer.precision == "bf16-mixed"
    kept: dict[str, Any] = {}

    def within(name: str, part: Callable[[], Any]) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            kept[name] = part()

    def step() -> dict[str, float]:
        seconds = {}
        parts: dict[str, Callable[[], Any]] = {
            "net": lambda: within("painted", lambda: module.net(photos)),
            "loss network": lambda: within("terms", lambda: loss(kept["painted"], loss.content_targets(photos))),
            "backward": lambda: kept["terms"].total.backward(),
            "optimizer": lambda: (optimizer.step(), optimizer.zero_grad()),
        }  # fmt: skip
        for name, part in parts.items():
            started = time.perf_counter()
            part()
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds[name] = time.perf_counter() - started
        return seconds

    for _ in range(3):
        step()
    found = [step() for _ in range(options.steps)]
    result = {name: statistics.median(s[name] for s in found) for name in found[0]}
    result["data, by its workers"] = timed((None for _ in loader), options.steps)
    with FlopCounterMode(display=False) as counter:
        step()
    size = 8192 if device.type == "cuda" else 2048
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    rates = []
    for _ in range(10):
        started = time.perf_counter()
        _ = a @ a
        if device.type == "cuda":
            torch.cuda.synchronize()
        rates.append(2 * size**3 / (time.perf_counter() - started))
    result["floor"] = counter.get_total_flops() / max(rates)
    result["gflop"] = counter.get_total_flops() / 1e9
    result["gflop/s of bfloat16"] = max(rates) / 1e9
    return result


def main() -> None:
    """Print the table; with --only, run one of its processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos")
    parser.add_argument("painting")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--only", choices=["plain", "fastnst", "parts"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        if options.only == "parts":
            found: Any = parts(options)
        elif options.only == "plain":
            found = timed(plain_steps(options), options.steps)
        else:
            found = fast_seconds(options)
        print(json.dumps(found))
        return

    options.photos, options.painting = (
        str(Path(p).resolve()) for p in (options.photos, options.painting)
    )

    def run(part: str) -> Any:
        words = [options.photos, options.painting, "--size", options.size, "--batch", options.batch]
        words += ["--steps", options.steps, "--only", part]
        command = [sys.executable, str(Path(__file__).resolve()), *map(str, words)]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder
            )
        return json.loads(done.stdout.splitlines()[-1])

    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"{torch.get_num_threads()} threads"
    )
    print(f"torch {torch.__version__}, {device}, {options.batch} crops of {options.size} px a step")
    seconds: dict[str, list[float]] = {"plain": [], "fastnst": []}
    for _ in range(2):
        for part, values in seconds.items():
            values.append(run(part))
    plain = statistics.mean(seconds["plain"])
    for part, values in seconds.items():
        mean = statistics.mean(values)
        print(
            f"{part:>8}: {mean * 1e3:8.1f} ms a step, {options.batch / mean:7.2f} images/s, {plain / mean:5.2f} times plain"
        )
    found = run("parts")
    for name in ("data, by its workers", "net", "loss network", "backward", "optimizer"):
        print(f"{name:>22}: {found[name] * 1e3:8.1f} ms")
    whole = statistics.mean(seconds["fastnst"])
    print(
        f"{found['gflop']:.0f} Gflop a step at {found['gflop/s of bfloat16']:.0f} Gflop/s (bfloat16, large matrices): a floor of"
        f" {found['floor'] * 1e3:.1f} ms; fastnst takes {whole / found['floor']:.1f} times as long"
    )


if __name__ == "__main__":
    main()
