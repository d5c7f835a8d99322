"""Which of MediaPipe's 478 face and 33 body points stands for which of the 68 and 18: data, with a note on each doubtful one.

Read off MediaPipe's published mesh topology (face oval, brows, eyes, lips, irises) and compared with the true points of simulated
faces (tests/test_landmarks.py). "Left" is the picture's left unless it says the subject's.
"""

SKIN = 468  # points of the mesh proper; 468 to 477 are the two irises
PUPILS = [468, 473]  # centres of the irises: the subject's right (picture's left), then left

FACE = [
    # jaw 0-16, along the face oval. Doubtful all but 8: the oval has 19 points between the ears' upper ends, these are the 17
    # nearest to equal steps; 0 and 16 stand at eye height, and near the ears the oval lies on the hairline, a little outside dlib's line.
    127,
    234,
    132,
    58,
    172,
    136,
    149,
    148,
    152,
    377,
    378,
    365,
    397,
    288,
    361,
    454,
    356,
    # brows 17-21 and 22-26: the upper edge of the brow; dlib's points run along its middle. 21 and 22 (inner ends): the oval's 107
    # and 336 are at the upper edge, the lower 55 and 285 fit the true inner end better and are taken.
    70,
    63,
    105,
    66,
    55,
    285,
    296,
    334,
    293,
    300,
    # nose: ridge 27-30, then nostrils 31-35. 27 doubtful: dlib's lies between 168 (between the brows) and 6; 31 and 35: wings' lower rim
    168,
    197,
    5,
    4,
    240,
    97,
    2,
    326,
    460,
    # eyes 36-41 and 42-47, each outer/inner corner, two above, two below. The lids are exact to a point, the corners to the tear duct
    33,
    160,
    158,
    133,
    153,
    144,
    362,
    385,
    387,
    263,
    373,
    380,
    # outer lips 48-59: 49, 53, 55 and 59 doubtful, MediaPipe has four points where the 68 have three
    61,
    39,
    37,
    0,
    267,
    269,
    291,
    405,
    314,
    17,
    84,
    181,
    # inner lips 60-67
    78,
    82,
    13,
    312,
    308,
    317,
    14,
    87,
]

# OpenPose's 18 joints from MediaPipe's 33 (nose, neck, right arm, left arm, right leg, left leg, right eye, left eye, ears; the
# subject's right and left in both). 1, the neck, has no counterpart: the middle between the shoulders, which lies lower than
# OpenPose's by about a third of the neck; the entry here is a placeholder that `detectors._joints` replaces.
BODY = [0, 0, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7]
NECK_BETWEEN = (11, 12)
