"""The four containers refuse what is not whole, and name their content."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolib.ground.containers import ClipSet, ImageSet, TableSet, TrackSet
from emolib.ground.errors import EmolibError

SHARED = {
    "label": [0, 6, 10],
    "subject": ["a", "a", "longer"],
    "split": ["train", "train", "test"],
    "name": "made",
}


def table(**changed):
    return TableSet(
        **{
            **SHARED,
            "features": np.arange(6.0).reshape(3, 2),
            "columns": ("x", "y"),
            "meta": pd.DataFrame({"file": ["1.png", "2.png", "3.png"]}),
            **changed,
        }
    )


def images(**changed):
    return ImageSet(
        **{**SHARED, "images": np.arange(12, dtype=np.uint8).reshape(3, 2, 2), **changed}
    )


def clips(**changed):
    return ClipSet(
        **{
            **SHARED,
            "content": ["p", "q", "r"],
            "rate": 16000,
            "waveform": [lambda i=i: np.full(4, i, np.float32) for i in range(3)],
            **changed,
        }
    )


def tracks(**changed):
    return TrackSet(
        **{
            **SHARED,
            "label": [-1, 0, 10],
            "content": ["p", "q", "r"],
            "features": [lambda i=i: np.full((4, 2), i, np.float32) for i in range(3)],
            "valence_arousal": [np.full((4, 2), v, np.float32) for v in (-1, 0, 1)],
            **changed,
        }
    )


@pytest.mark.parametrize("make", [table, images, clips, tracks])
def test_each_holds_one_entry_per_sample(make):
    made = make()
    assert len(made) == 3 and made.source == "simulated"
    assert made.label.dtype == np.int64 and made.subject.dtype.kind == made.split.dtype.kind == "U"
    assert len(made.meta) == 3


NOT_A_NUMBER = np.array([[0.0, 1.0], [2.0, np.nan], [4.0, 5.0]])


@pytest.mark.parametrize(
    "make, wrong, told",
    [
        (table, {"features": np.zeros(3)}, r"shape \(3,\), expected \(N, F\)"),
        (table, {"features": NOT_A_NUMBER}, "feature 1 of row 1 is nan"),
        (
            table,
            {"features": np.where(np.isnan(NOT_A_NUMBER), -np.inf, 0)},
            "feature 1 of row 1 is -inf",
        ),
        (table, {"label": [0, 11, 0]}, "label 11 in row 1, expected 0 to 10"),
        (table, {"label": [0, 0, -1]}, "label -1 in row 2"),
        (
            table,
            {"label": [0, 2, 0], "classes": ("yes", "no")},
            "label 2 in row 1, expected 0 to 1",
        ),
        (table, {"label": [0, 1]}, "3 samples but 2 in `label`"),
        (table, {"subject": ["a"] * 4}, "3 samples but 4 in `subject`"),
        (table, {"split": []}, "3 samples but 0 in `split`"),
        (table, {"meta": pd.DataFrame({"file": ["1.png"]})}, "3 samples but 1 in `meta`"),
        (table, {"source": "imagined"}, "source is 'imagined'"),
        (images, {"images": np.zeros((3, 2, 2))}, "float64"),
        (images, {"images": np.zeros((3, 2, 2, 4), np.uint8)}, r"\(3, 2, 2, 4\)"),
        (images, {"images": np.zeros((3, 2), np.uint8)}, r"\(3, 2\)"),
        (clips, {"waveform": None}, "frames, a waveform or both"),
        (clips, {"frames": [np.zeros] * 2}, "3 clips but 2 in `frames`"),
        (tracks, {"label": [-2, 0, 0]}, "label -2 in row 0, expected -1"),
        (
            tracks,
            {"valence_arousal": [np.zeros((4, 2)), np.full((4, 2), 1.01), np.zeros((4, 2))]},
            "video 1",
        ),
        (
            tracks,
            {"valence_arousal": [np.zeros((4, 2)), np.zeros((4, 2)), np.full((4, 2), np.nan)]},
            "video 2",
        ),
        (tracks, {"valence_arousal": [np.zeros((2, 4))] * 3}, r"shape \(2, 4\)"),
        (tracks, {"features": [np.zeros] * 2}, "3 videos but 2 in `features`"),
        (tracks, {"content": ["p"]}, "3 videos but 1 in `content`"),
        (tracks, {"missing": [np.zeros(4, bool)]}, "3 videos but 1 in `missing`"),
        (
            tracks,
            {"missing": [np.zeros(4, bool)] * 2 + [np.zeros(3, bool)]},
            r"`missing` of video 2 is bool \(3,\), expected bool \(4,\)",
        ),
        (tracks, {"missing": [np.zeros(4)] * 3}, "`missing` of video 0 is float64"),
        (
            tracks,
            {"missing": [np.zeros(4, bool), np.zeros(4, bool), np.eye(4, dtype=bool)[1]]},
            "video 2 has values in frames marked missing",
        ),
    ],
)
def test_what_is_not_whole_is_refused_with_its_place(make, wrong, told):
    with pytest.raises(EmolibError, match=told) as error:
        make(**wrong)
    assert str(error.value).startswith("made: ") and "\n" not in str(error.value)


CHANGES = [
    (table, {"features": np.arange(6.0).reshape(3, 2) + [[0, 0], [0, 0], [0, 1e-12]]}),
    (table, {"columns": ("x", "z")}),
    (table, {"meta": pd.DataFrame({"file": ["1.png", "2.png", "4.png"]})}),
    (table, {"features": np.arange(6.0).reshape(3, 2)[::-1]}),
    (images, {"images": np.arange(1, 13, dtype=np.uint8).reshape(3, 2, 2)}),
    (clips, {"content": ["p", "q", "s"]}),
    (clips, {"rate": 8000}),
    (tracks, {"fps": 25.0}),
    (tracks, {"valence_arousal": [np.full((4, 2), v, np.float32) for v in (-1, 0.5, 1)]}),
    (tracks, {"missing": [np.zeros(4, bool)] * 3}),
    *[
        (make, change)
        for make in (table, images, clips, tracks)
        for change in (
            {"source": "real"},
            {"label": [0, 6, 9]},
            {"subject": ["a", "b", "longer"]},
            {"split": ["train", "test", "test"]},
            {"classes": tuple("abcdefghijk")},
        )
    ],
]


@pytest.mark.parametrize("make, change", CHANGES)
def test_any_change_changes_the_fingerprint(make, change):
    assert make().fingerprint != make(**change).fingerprint


@pytest.mark.parametrize("make", [table, images, clips, tracks])
def test_equal_content_has_the_same_fingerprint(make):
    assert make().fingerprint == make().fingerprint and len(make().fingerprint) == 16
    renamed = make(name="another name")  # a name is no content
    assert renamed.fingerprint == make().fingerprint


def test_the_fingerprint_does_not_depend_on_how_content_was_put_in():
    flipped = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    assert table(features=flipped).fingerprint == table().fingerprint
    as_objects = pd.Series(SHARED["subject"], dtype=object).to_numpy()
    assert (
        table(subject=as_objects, label=np.array([0, 6, 10], np.int8)).fingerprint
        == table().fingerprint
    )
    assert table().select([0, 1, 2]).fingerprint == table().fingerprint
    # room for a longer name that is no longer there does not count
    assert (
        table(subject=["a", "a", "b"]).select([0, 1]).fingerprint
        == table().select([0, 1]).fingerprint
    )


@given(st.lists(st.integers(0, 2), max_size=6))
def test_select_takes_rows_in_the_given_order(rows):
    rows = np.array(rows, int)
    for made in (table(), images(), clips(), tracks()):
        taken = made.select(rows)
        assert type(taken) is type(made) and len(taken) == len(rows)
        assert taken.label.tolist() == made.label[rows].tolist()
        assert taken.subject.tolist() == made.subject[rows].tolist()
        assert (taken.source, taken.name, taken.classes) == (made.source, made.name, made.classes)
    assert table().select(rows).meta.file.tolist() == [f"{r + 1}.png" for r in rows]
    np.testing.assert_array_equal(table().select(rows).features, table().features[rows])
    assert [f()[0] for f in clips().select(rows).waveform] == rows.tolist()
    assert [f()[0, 0] for f in tracks().select(rows).features] == rows.tolist()


def test_select_by_mask_equals_select_by_index():
    made = table()
    assert made.select(np.array([True, False, True])).fingerprint == made.select([0, 2]).fingerprint
    assert clips().select(np.array([False, True, False])).frames is None


def test_missing_frames_are_content_and_go_with_their_videos():
    gone = [np.zeros(4, bool), np.eye(4, dtype=bool)[2], np.zeros(4, bool)]
    assert (
        len(
            {
                tracks().fingerprint,
                tracks(missing=gone).fingerprint,
                tracks(missing=[gone[0]] * 3).fingerprint,
            }
        )
        == 3
    )
    assert tracks(missing=gone).select([1, 0]).missing[0].tolist() == [False, False, True, False]
    assert tracks().missing is None and tracks().select([1]).missing is None


def test_containers_are_frozen():
    with pytest.raises(AttributeError):
        table().label = np.zeros(3)
