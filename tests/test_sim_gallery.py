"""What notebook 02 shows of the simulator."""

import numpy as np

from emolib.sim import gallery, worlds


def test_contact_sheet_keeps_every_pixel_in_place():
    images = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
    sheet = gallery.contact_sheet(images, 3)
    assert sheet.shape == (4, 9)
    np.testing.assert_array_equal(sheet[2:4, 3:6], images[4])
    assert (sheet[2:4, 6:] == 0).all()


def test_tables_and_examples():
    assert gallery.expression_sheet(people=2, size=24, emotions=("happy", "sad")).shape == (48, 48, 3)
    assert set(gallery.voice_examples()) >= {"angry", "calm"}
    tracks = gallery.annotation_tracks(seconds=4.0)
    assert set(tracks["what"]) == {"felt", "0", "0.3", "1"} and tracks["value"].abs().max() <= 1
    table = gallery.spread_beside(worlds.sfew_table())
    assert len(table) == 20 and set(table["source"]) == {"simulated"}
    shares = gallery.spread_beside(worlds.make("fer2013", "smoke"))
    assert np.isclose(shares["value"].sum(), 1)
    assert (gallery.speeds(faces=8)["per_second"] > 0).all()
