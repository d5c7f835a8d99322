"""What notebook 02 shows of the simulator."""

import numpy as np

from emolib.data.sim import gallery
from emolib.data.sim.dials import Dials


def test_expressions_come_row_by_row():
    images, table = gallery.expressions(people=2, size=24, emotions=("happy", "sad", "neutral"))
    assert (
        images.shape == (6, 24, 24, 3)
        and list(table.emotion) == ["happy"] * 2 + ["sad"] * 2 + ["neutral"] * 2
    )
    assert "12:1" in table.action_units[0].split() and table.action_units[5] == ""
    assert not np.array_equal(images[0], images[2]) and not np.array_equal(images[0], images[1])


def test_tables_and_examples():
    assert set(gallery.voice_examples()) >= {"angry", "calm"}
    tracks = gallery.annotation_tracks(seconds=4.0)
    assert set(tracks["what"]) == {"felt", "0", "0.3", "1"} and tracks["value"].abs().max() <= 1
    dials = gallery.dial_table().set_index("dial")
    assert (
        len(dials) == len(vars(Dials()))
        and dials.default["fuzz_face"] == Dials().fuzz_face
        and (dials.turns.str.len() > 10).all()
    )
    assert (gallery.speeds(faces=8)["per_second"] > 0).all()
