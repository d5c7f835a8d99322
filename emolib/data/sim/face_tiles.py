"""Two periodic tiles of Gaussian noise, the same in every process and on every machine."""

from emolib.data.sim.streams import stream

TILE = stream(0, "face", "tile").standard_normal((64, 64)).clip(-2, 2)  # texture: hair, skin, walls
GRAIN = stream(0, "face", "grain").standard_normal((256, 256)).clip(-3, 3)  # the sensor's noise
