"""Protocol of the video studies: checks on orgil2021 sections 2-3 and the thesis, chapters 1.2, 2, 3.2, 4.2."""

from __future__ import annotations

import math

from emolib.reproduction.papers.audit.record import check, judge, undecided, weigh


@check("orgil-a5_1", "orgil2021-text")
def validation_videos_stay_unseen(text):
    """Training and validation sets were shuffled at the beginning of each epoch (3.3)."""
    epochs, share = (
        text.cell("epochs until early stop"),
        text.cell("held-out share of the five trainings") / 100,
    )
    unseen = share ** (epochs - 1)
    return undecided(
        f"if the split is drawn anew, a video held out in epoch {epochs:.0f} was never trained on with probability "
        f"{share:.1f}^{epochs - 1:.0f} = {unseen:.0e}; if only the order is shuffled, always"
    )


@check("orgil-a5_3", "orgil2021-text")
def pose_layer_has_one_width(text):
    """The pose layer has the same width in every network (3.1)."""
    full, alone, pose = (
        text.cell(k)
        for k in ("outputs of the pose layer", "inputs of the recurrent stage", "pose inputs")
    )
    return weigh(
        {"512 as in Full": full == alone, "256 as the recurrent stage needs": True},
        f"{full:.0f} leave it in Full, {alone:.0f} enter the recurrent stage without the mel layer; Pose alone: "
        f"{pose * full:.0f} or {pose * alone:.0f} weights",
    )


@check("orgil-a5_4", "orgil2021-text")
def weight_decay_is_small(text):
    """The weight decay 5e^-4 is 0.0005 (3.3)."""
    digit, exponent = text.cell("weight decay, digit"), text.cell("weight decay, exponent")
    return weigh(
        {
            "powers of ten": digit * 10**exponent < 0.001,
            "Euler's number": digit * math.exp(exponent) < 0.001,
        },
        f"{digit * 10**exponent:.4f} as a power of ten, {digit * math.exp(exponent):.4f} as printed",
    )


@check("orgil-a5_6", "orgil2021-text", "orgil2022-text")
def aff_wild_has_30_hours(paper, thesis):
    """Aff-Wild holds more than 30 hours in 298 videos (2.3)."""
    hours, fps = (
        paper.cell("hours of Aff-Wild"),
        thesis.cell("frames of the new part") / (thesis.cell("minutes of the new part") * 60),
    )
    old = thesis.cell("million frames of Aff-Wild2") * 1e6 - thesis.cell("frames of the new part")
    return judge(
        old / fps / 3600 > hours,
        f"Aff-Wild2 less its new part is {old / 1e6:.3f} million frames = "
        f"{old / fps / 3600:.1f} hours at {fps:.2f} frames a second, not {hours:.0f}",
    )


@check("orgil-a5_6_2", "orgil2022-text")
def aff_wild2_has_26_hours(text):
    """Aff-Wild2 has 2.8 million frames, around 26 hours (thesis, chapter 2)."""
    hours = text.cell("million frames of Aff-Wild2") * 1e6 / 30 / 3600
    return judge(
        abs(hours - text.cell("hours of Aff-Wild2")) < 0.5,
        f"2.8 million frames at 30 a second are {hours:.1f} hours, "
        f"printed {text.cell('hours of Aff-Wild2'):.0f}".replace(
            "2.8", f"{text.cell('million frames of Aff-Wild2'):.2f}"
        ),
    )


@check("orgil-a5_6_3", "orgil2022-text")
def new_part_runs_at_30_frames(text):
    """The new part has 1,413,000 frames in 13 hours 5 minutes (thesis 2.3)."""
    fps = text.cell("frames of the new part") / (text.cell("minutes of the new part") * 60)
    return judge(abs(fps - 30) < 0.01, f"{fps:.3f} frames a second")


@check("orgil-a5_6_4", "orgil2022-text", "orgil2021-text")
def aff_wild2_has_558_videos(thesis, paper):
    """Aff-Wild2 has 558 videos, 260 of them new (thesis 2.3)."""
    total = paper.cell("videos of Aff-Wild") + thesis.cell("new videos")
    return judge(
        total == thesis.cell("videos of Aff-Wild2"),
        f"{paper.cell('videos of Aff-Wild'):.0f} + {thesis.cell('new videos'):.0f} = {total:.0f}, printed "
        f"{thesis.cell('videos of Aff-Wild2'):.0f}",
    )


@check("orgil-a5_6_5", "orgil2022-text")
def participants_add_up(text):
    """258 people, 149 male and 109 female (thesis 2.3)."""
    total = text.cell("male participants") + text.cell("female participants")
    return judge(
        total == text.cell("participants"),
        f"{text.cell('male participants'):.0f} + {text.cell('female participants'):.0f} = "
        f"{total:.0f}, printed {text.cell('participants'):.0f}",
    )


@check("orgil-a5_9", "orgil2021-text")
def feature_widths_add_up(text):
    """70 face points and 18 body points give 140 and 36 inputs (3.1, 3.2)."""
    face, body = 2 * text.cell("face points"), 2 * text.cell("body points")
    return judge(
        face == text.cell("landmark inputs") and body == text.cell("pose inputs"),
        f"2 x {text.cell('face points'):.0f} = {face:.0f} (printed {text.cell('landmark inputs'):.0f}), "
        f"2 x {text.cell('body points'):.0f} = {body:.0f} (printed {text.cell('pose inputs'):.0f})",
    )


def full_network_macs(text) -> tuple[int, int]:
    """Multiply-adds for one frame of the Full network: (first layer, all the others).

    Linear 2048+140 -> 1024, 1024+36 -> 512, 512+128 -> 256, an LSTM of 256 and a head of 2 (3.1).
    """
    face, landmark, pose, mel = (
        int(text.cell(k)) for k in ("face features", "landmark inputs", "pose inputs", "mel bands")
    )
    wide, middle, narrow = (
        int(text.cell(k))
        for k in (
            "outputs of the landmark layer",
            "outputs of the pose layer",
            "inputs of the recurrent stage",
        )
    )
    first = (face + landmark) * wide
    others = (
        (wide + pose) * middle
        + (middle + mel) * narrow
        + 4 * narrow * (narrow + narrow)
        + narrow * 2
    )
    return first, others


@check("orgil-f3", "orgil2021-text")
def batch_takes_10_ms(text):
    """A batch iteration takes around 0.01 s (3.4.1)."""
    first, others = full_network_macs(text)
    frames = text.cell("batch size") * text.cell("length of the five trainings")
    # two operations a multiply-add; forward, gradient of weights, gradient of inputs (the first layer has none)
    work = 2 * frames * (2 * first + 3 * others)
    rate = work / text.cell("seconds of a batch") / 1e12
    return judge(
        rate < 14,
        f"64 x 256 frames forward and backward are {work / 1e9:.1f} GFLOP; in "
        f"{text.cell('seconds of a batch')} s that "
        f"is {rate:.1f} TFLOP/s in single precision; an 11 GB card of the time offers 11 to 14",
    )


@check("orgil-a5_8", "orgil2021-text")
def longer_sequences_cost_nothing(text):
    """The time of a batch is the same at the longest length, 512 (3.4.1; section 4, contribution 4)."""
    ratio = text.cell("longest length") / text.cell("length of the five trainings")
    return judge(
        ratio == 1,
        f"{text.cell('longest length'):.0f} / {text.cell('length of the five trainings'):.0f} = {ratio:.1f} times "
        "the frames at the same batch size; no time of another loss is given to be faster than",
    )


def htk_to_hz(mel: float) -> float:
    """Inverse of the printed Eq. 7, m = 2595 log10(1 + f / 700)."""
    return 700 * (10 ** (mel / 2595) - 1)


def slaney_to_hz(mel: float) -> float:
    """Slaney's scale: 200/3 Hz a mel up to 1000 Hz, then 27 mels for a factor of 6.4."""
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)


@check("orgil-f4", "orgil2021-text")
def mel_scale_is_eq7(text):
    """The mel spectrogram uses Eq. 7 and librosa, which has another scale by default (2.3.1)."""
    top = text.cell("sampling rate") / 2
    middle_htk = htk_to_hz(2595 * math.log10(1 + top / 700) / 2)
    middle_slaney = slaney_to_hz((15 + 27 * math.log(top / 1000) / math.log(6.4)) / 2)
    return weigh(
        {"Eq. 7": True, "librosa's default": abs(middle_htk - middle_slaney) < 50},
        f"the middle of {text.cell('mel bands'):.0f} bands up to {top:.0f} Hz lies at {middle_htk:.0f} Hz by "
        f"Eq. 7 and at "
        f"{middle_slaney:.0f} Hz on librosa's default scale",
    )


@check("orgil-a5_10", "orgil2022-text")
def pulse_band_in_beats(text):
    """0.4-4 Hz are 24-240 beats a minute (thesis 1.2.5)."""
    low, high = 60 * text.cell("lowest pulse, Hz"), 60 * text.cell("highest pulse, Hz")
    return judge(
        (low, high)
        == (text.cell("lowest pulse, beats a minute"), text.cell("highest pulse, beats a minute")),
        f"60 x {text.cell('lowest pulse, Hz')} = {low:.0f} (printed "
        f"{text.cell('lowest pulse, beats a minute'):.0f}), "
        f"60 x {text.cell('highest pulse, Hz'):.0f} = {high:.0f} (printed "
        f"{text.cell('highest pulse, beats a minute'):.0f})",
    )


@check("orgil-a5_11", "orgil2022-text")
def twenty_frames_show_a_pulse(text):
    """Twenty frames, split ten by ten, show high and low blood pressure at 0.8-3 Hz (thesis 1.2.5, Fig. 1.12)."""
    frames, low = text.cell("frames of Fig. 1.12"), text.cell("lowest magnified Hz")
    seconds = frames / 30
    return weigh(
        {"magnified after the cut": seconds >= 1 / low, "magnified before the cut": True},
        f"{frames:.0f} frames are {seconds:.2f} s, one period of {low} Hz is {1 / low:.2f} s = {30 / low:.1f} frames",
    )


@check("orgil-f6", "orgil2022-text")
def gain_is_one_plus_alpha(text):
    """Adding alpha times the band gives a gain of 1 + alpha (thesis 1.2.5, Eq. 1.5 against Eq. 1.7)."""
    alpha = text.cell("alpha")
    return weigh(
        {"Eq. 1.5": True, "Eq. 1.7": alpha == 1 + alpha},
        f"Eq. 1.5 adds: {1 + alpha:.0f} times; Eq. 1.7 replaces: {alpha:.0f} times; programs that keep half of "
        f"the band: "
        f"{1 + alpha / 2:.1f} times",
    )
