"""Candide-3 fitted to 68 face points: action units as features of an expression (chang2021, 4.1).

>>> model = load()
>>> neutral = fit_shape(points_at_rest, model)
>>> fit_action(points_now, model, neutral).units        # (B, 8)
"""

from emolib.candide.fit import CandideFit, fit_action, fit_joint, fit_shape
from emolib.candide.model import ACTION_UNITS, SHAPE_UNITS, Candide, check, load, own_mask, pairs
from emolib.candide.recovery import recovery
from emolib.candide.rotations import rodrigues, rotation_vector
from emolib.candide.solver import Options
