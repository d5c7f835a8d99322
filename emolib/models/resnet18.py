"""ResNet-18 without its last layer, for pictures, spectrograms and whole clips (chang2021, 4.4.1,
4.5.1 and 5.3.2): a stem of width 7, a max-pool, four stages of two blocks, an average (He et al.
2016).

Section 4.4's counts say what enters: three channels for a picture (11,176,512 parameters), one for
a spectrogram (11,170,240), and, for a clip at once, three channels with every 3 x 3 made 3 x 3 x 3
and a stem of 7 x 7 x 7 (33,203,904). Parts carry torchvision's names, so that weights of
`torchvision.models.resnet18` fit the first as they are.
"""

from __future__ import annotations

from torch import Tensor, nn

from emolib.ground.errors import EmolibError

FEATURES = 8  # times `width`: length of the feature vector
_CONV = {2: nn.Conv2d, 3: nn.Conv3d}
_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


class Block(nn.Module):
    """Two convolutions of width 3 beside a shortcut, which is a convolution of width 1 where size
    or channels change."""

    def __init__(self, dims: int, inputs: int, outputs: int, stride: int):
        super().__init__()
        conv, norm = _CONV[dims], _NORM[dims]
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride, 1, bias=False), norm(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs, 3, 1, 1, bias=False), norm(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            short = conv(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(short, norm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """(N, channels, H, W) -> (N, 8 * width); with dims=3 (N, channels, T, H, W).

    channels   3 for pictures, 1 for spectrograms
    width      channels after the stem: 64 in print, fewer in the narrow stand-ins
    dims       2, or 3 for a clip at once: the stem then keeps every frame, the max-pool halves
               their number (section 4.4's second system)
    """

    def __init__(self, channels: int = 3, *, width: int = 64, dims: int = 2):
        super().__init__()
        if dims not in _CONV:
            raise EmolibError(
                f"ResNet-18 of {dims} dimensions: expected 2 (pictures, spectrograms) or 3 (clips)"
            )
        self.features = FEATURES * width
        self.conv1 = _CONV[dims](channels, width, 7, 2 if dims == 2 else (1, 2, 2), 3, bias=False)
        self.bn1, self.relu = _NORM[dims](width), nn.ReLU(inplace=True)
        self.maxpool = _POOL[dims](3, 2, 1)
        inputs = width
        for stage in range(4):
            outputs = width << stage
            first = Block(dims, inputs, outputs, 2 if stage else 1)
            second = Block(dims, outputs, outputs, 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(first, second))
            inputs = outputs
        for module in self.modules():  # as He et al. 2015; the norms start from 1 and 0
            if isinstance(module, _CONV[dims]):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (N, 8 width, H / 32, W / 32)
        return x.flatten(2).mean(-1)  # (N, 8 width)
