"""How networks are trained: one loop (`fit`), augmentation, and which epoch is the best one."""

from emolib.training.best import at_epoch, best_epochs
from emolib.training.loop import Diverged, History, Settings, fit, optimizer, plateaued, seeded
