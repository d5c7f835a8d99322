"""Which of MediaPipe's 478 face and 33 body points stands for which of the 68 and 18.

Read off MediaPipe's published mesh topology and compared with the true points of simulated faces
(tests/test_landmarks.py). "Left" is the picture's left unless it says the subject's.
"""

SKIN = 468  # points of the mesh proper; 468 to 477 are the two irises
PUPILS = [468, 473]  # centres of the irises: the subject's right (picture's left), then left

# fmt: off
FACE = [
    # jaw 0-16, along the face oval. Doubtful all but 8: the oval has 19 points between the ears'
    # upper ends, these are the 17 nearest to equal steps; near the ears it lies on the hairline.
    127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356,
    # brows 17-21 and 22-26: the upper edge, dlib's run along the middle; at the inner ends 21 and
    # 22 the lower 55 and 285 fit better than the upper 107 and 336
    70, 63, 105, 66, 55, 285, 296, 334, 293, 300,
    # nose: ridge 27-30, nostrils 31-35. Doubtful: 27 (dlib's is between 168 and 6), 31 and 35
    168, 197, 5, 4, 240, 97, 2, 326, 460,
    # eyes 36-41 and 42-47: outer, inner corner, two above, two below
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    # outer lips 48-59: 49, 53, 55 and 59 doubtful, MediaPipe has four points where 68 have three
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    # inner lips 60-67
    78, 82, 13, 312, 308, 317, 14, 87,
]
# fmt: on

# OpenPose's 18 joints from MediaPipe's 33 (nose, neck, right arm, left arm, right leg, left leg,
# right eye, left eye, ears; the subject's right and left in both). 1, the neck, has no counterpart:
# the middle between the shoulders replaces it, a third of a neck lower than OpenPose's.
BODY = [0, 0, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7]
SHOULDERS = [11, 12]
