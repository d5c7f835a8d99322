"""The course: what students import, and what `./reproduce.sh course` makes from notebooks/course.

checks     what a check says at the first try and at the second
build      the sources of the exercises, and the versions that otter-grader makes of them
pages      the lecturer's folder: map, handouts, slides; opens without Python
grade      a heap of submissions, each in a process of its own with limits
"""

from emolib.reproduction.course.checks import Grader, expect, require
