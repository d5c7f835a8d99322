"""The skeleton of OpenPose's 18 joints, whose order `Landmarks.body` has."""

# The two joints of each limb: neck to nose, arms, legs, eyes and ears.
# fmt: off
BONES = (
    (1, 0), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11),
    (11, 12), (12, 13), (0, 14), (14, 16), (0, 15), (15, 17),
)
# fmt: on
