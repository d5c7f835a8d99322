"""Protocol of the video studies: checks on orgil2021, 2-3, and the thesis, 1.2, 2, 3.2, 4.2."""

import math

from emolib.reproduction.papers.audit.record import Checks, Table, judge, undecided, weigh

check, thesis_check = Checks("orgil2021"), Checks("orgil2022")


@check("orgil-a5_1")
def validation_videos_stay_unseen(text):
    epochs, percent = text.cells("epochs until early stop", "held-out share of the five trainings")
    share = percent / 100
    unseen = share ** (epochs - 1)
    return undecided(
        f"if the split is drawn anew, a video held out in epoch {epochs:.0f} was never trained on "
        f"with probability {share:.1f}^{epochs - 1:.0f} = {unseen:.0e}; "
        "if only the order is shuffled, always"
    )


@check("orgil-a5_3")
def pose_layer_has_one_width(text):
    full, alone = text.cells("outputs of the pose layer", "inputs of the recurrent stage")
    pose = text.cell("pose inputs")
    return weigh(
        {"512 as in Full": full == alone, "256 as the recurrent stage needs": True},
        f"{full:.0f} leave it in Full, {alone:.0f} enter the recurrent stage without the mel "
        f"layer; Pose alone: {pose * full:.0f} or {pose * alone:.0f} weights",
    )


@check("orgil-a5_4")
def weight_decay_is_small(text):
    digit, exponent = text.cells("weight decay, digit", "weight decay, exponent")
    ten, euler = digit * 10**exponent, digit * math.exp(exponent)
    return weigh(
        {"powers of ten": ten < 0.001, "Euler's number": euler < 0.001},
        f"{ten:.4f} as a power of ten, {euler:.4f} as printed",
    )


def _new_part(thesis: Table) -> tuple[float, float]:
    """Frames of the part that Aff-Wild2 adds, and frames a second."""
    frames, minutes = thesis.cells("frames of the new part", "minutes of the new part")
    return frames, frames / (minutes * 60)


@check("orgil-a5_6", "text", "orgil2022-text")
def aff_wild_has_30_hours(paper, thesis):
    printed, (frames, fps) = paper.cell("hours of Aff-Wild"), _new_part(thesis)
    old = thesis.cell("million frames of Aff-Wild2") * 1e6 - frames
    hours = old / fps / 3600
    return judge(
        hours > printed,
        f"Aff-Wild2 less its new part is {old / 1e6:.3f} million frames = {hours:.1f} hours at "
        f"{fps:.2f} frames a second, not {printed:.0f}",
    )


@thesis_check("orgil-a5_6_2")
def aff_wild2_has_26_hours(text):
    millions, printed = text.cells("million frames of Aff-Wild2", "hours of Aff-Wild2")
    hours = millions * 1e6 / 30 / 3600
    return judge(
        abs(hours - printed) < 0.5,
        f"{millions:.2f} million frames at 30 a second are {hours:.1f} hours, "
        f"printed {printed:.0f}",
    )


@thesis_check("orgil-a5_6_3")
def new_part_runs_at_30_frames(text):
    _, fps = _new_part(text)
    return judge(abs(fps - 30) < 0.01, f"{fps:.3f} frames a second")


def _sum_is_printed(parts: list[float], printed: float):
    a, b = parts
    return judge(a + b == printed, f"{a:.0f} + {b:.0f} = {a + b:.0f}, printed {printed:.0f}")


@thesis_check("orgil-a5_6_4", "text", "orgil2021-text")
def aff_wild2_has_558_videos(thesis, paper):
    parts = [paper.cell("videos of Aff-Wild"), thesis.cell("new videos")]
    return _sum_is_printed(parts, thesis.cell("videos of Aff-Wild2"))


@thesis_check("orgil-a5_6_5")
def participants_add_up(text):
    parts = text.cells("male participants", "female participants")
    return _sum_is_printed(parts, text.cell("participants"))


@check("orgil-a5_9")
def feature_widths_add_up(text):
    face, landmarks = text.cells("face points", "landmark inputs")
    body, pose = text.cells("body points", "pose inputs")
    return judge(
        2 * face == landmarks and 2 * body == pose,
        f"2 x {face:.0f} = {2 * face:.0f} (printed {landmarks:.0f}), "
        f"2 x {body:.0f} = {2 * body:.0f} (printed {pose:.0f})",
    )


def full_network_macs(text: Table) -> tuple[int, int]:
    """Multiply-adds for one frame of the Full network: (first layer, all the others).

    Linear 2048+140 -> 1024, 1024+36 -> 512, 512+128 -> 256, an LSTM of 256 and a head of 2 (3.1).
    """
    face, landmarks = map(int, text.cells("face features", "landmark inputs"))
    pose, mel = map(int, text.cells("pose inputs", "mel bands"))
    wide, middle = map(
        int, text.cells("outputs of the landmark layer", "outputs of the pose layer")
    )
    narrow = int(text.cell("inputs of the recurrent stage"))
    linear = (wide + pose) * middle + (middle + mel) * narrow
    return (face + landmarks) * wide, linear + 4 * narrow * (narrow + narrow) + narrow * 2


@check("orgil-f3")
def batch_takes_10_ms(text):
    first, others = full_network_macs(text)
    batch, length = text.cells("batch size", "length of the five trainings")
    seconds = text.cell("seconds of a batch")
    # Two operations a multiply-add; forward, gradient of weights, gradient of inputs (the first
    # layer has none).
    work = 2 * (batch * length) * (2 * first + 3 * others)
    rate = work / seconds / 1e12
    return judge(
        rate < 14,
        f"64 x 256 frames forward and backward are {work / 1e9:.1f} GFLOP; in {seconds} s that "
        f"is {rate:.1f} TFLOP/s in single precision; an 11 GB card of the time offers 11 to 14",
    )


@check("orgil-a5_8")
def longer_sequences_cost_nothing(text):
    longest, usual = text.cells("longest length", "length of the five trainings")
    return judge(
        longest == usual,
        f"{longest:.0f} / {usual:.0f} = {longest / usual:.1f} times the frames at the same batch "
        "size; no time of another loss is given to be faster than",
    )


def htk_to_hz(mel: float) -> float:
    """Inverse of the printed Eq. 7, m = 2595 log10(1 + f / 700)."""
    return 700 * (10 ** (mel / 2595) - 1)


def slaney_to_hz(mel: float) -> float:
    """Slaney's scale: 200/3 Hz a mel up to 1000 Hz, then 27 mels for a factor of 6.4."""
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)


@check("orgil-f4")
def mel_scale_is_eq7(text):
    """The mel spectrogram uses Eq. 7 and librosa, which has another scale by default (2.3.1)."""
    top = text.cell("sampling rate") / 2
    htk = htk_to_hz(2595 * math.log10(1 + top / 700) / 2)
    slaney = slaney_to_hz((15 + 27 * math.log(top / 1000) / math.log(6.4)) / 2)
    return weigh(
        {"Eq. 7": True, "librosa's default": abs(htk - slaney) < 50},
        f"the middle of {text.cell('mel bands'):.0f} bands up to {top:.0f} Hz lies at {htk:.0f} Hz "
        f"by Eq. 7 and at {slaney:.0f} Hz on librosa's default scale",
    )


@thesis_check("orgil-a5_10")
def pulse_band_in_beats(text):
    low, high = text.cells("lowest pulse, Hz", "highest pulse, Hz")
    slow, fast = text.cells("lowest pulse, beats a minute", "highest pulse, beats a minute")
    return judge(
        (60 * low, 60 * high) == (slow, fast),
        f"60 x {low} = {60 * low:.0f} (printed {slow:.0f}), "
        f"60 x {high:.0f} = {60 * high:.0f} (printed {fast:.0f})",
    )


@thesis_check("orgil-a5_11")
def twenty_frames_show_a_pulse(text):
    frames, low = text.cells("frames of Fig. 1.12", "lowest magnified Hz")
    seconds = frames / 30
    return weigh(
        {"magnified after the cut": seconds >= 1 / low, "magnified before the cut": True},
        f"{frames:.0f} frames are {seconds:.2f} s, one period of {low} Hz is {1 / low:.2f} s = "
        f"{30 / low:.1f} frames",
    )


@thesis_check("orgil-f6")
def gain_is_one_plus_alpha(text):
    """Adding alpha times the band is a gain of 1 + alpha (thesis 1.2.5, Eq. 1.5 and 1.7)."""
    alpha = text.cell("alpha")
    return weigh(
        {"Eq. 1.5": True, "Eq. 1.7": alpha == 1 + alpha},
        f"Eq. 1.5 adds: {1 + alpha:.0f} times; Eq. 1.7 replaces: {alpha:.0f} times; "
        f"programs that keep half of the band: {1 + alpha / 2:.1f} times",
    )
