"""The data sets of the five works: what each is for, who grants access, where its files lie.

A set lives in a folder of its own under the data root; `mark` are the files that show it is there.
A set whose marks alone cannot be loaded (votes without the pictures, a list of people without
photographs) names in `needs` what must stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    name: str
    title: str
    folder: str
    mark: tuple[str, ...]  # any of these patterns, inside `folder`, means the set is there
    samples: int  # what the whole set holds
    unit: str
    size_mb: int  # order of magnitude, of the set as its holders ship it
    licence: str
    access: str  # who grants it, and how
    used_for: str
    needs: tuple[str, ...] = ()  # if given, one of these must be there too before the set is loaded
    also: tuple[str, ...] = ()  # other folders it is found in
    page: str = ""  # where its holders say what it is and how to get it


# tables of FER2013 with all three parts
FER2013 = ("fer2013.csv", "fer2013.csv.xz", "fer2013.csv.gz", "icml_face_data.csv")
FACES = ("train/*/*.jpg", "test/*/*.jpg", "train/*/*.png", "test/*/*.png")
# where other tools put EMNIST
EMNIST = (
    "emnist/gzip",
    "emnist/raw",
    "emnist_letters",
    "emnist_letters/gzip",
    "EMNIST/raw",
    "EMNIST/raw/gzip",
)

# fmt: off
ENTRIES = (
    Entry("sfew", "SFEW features (Static Facial Expressions in the Wild)", "sfew", ("SFEW.xlsx",),
          675, "rows", 1, "research use only", "Australian National University, on request",
          "wang: pruning and 1-D CNN fusion"),
    Entry("fer2013", "FER2013", "fer2013", (*FER2013, "train.csv", "train"),
          35887, "images", 290, "Kaggle competition terms",
          "Kaggle: challenges in representation learning",
          "orgil2022: classifiers; chang2021: transfer"),
    Entry("ferplus", "FERPlus votes for FER2013", "fer2013", ("fer2013new.csv",),
          35887, "rows", 2, "MIT", "Microsoft's FERPlus repository", "orgil2022: majority labels",
          needs=FER2013),
    Entry("ravdess", "RAVDESS speech", "ravdess", ("Actor_*", "*/Actor_*"),
          1440, "clips", 590, "CC BY-NC-SA 4.0", "Zenodo, record 1188976",
          "chang2021: speech and fusion"),
    Entry("crema_d", "CREMA-D", "crema_d", ("AudioWAV", "VideoFlash", "VideoMP4"),
          7442, "clips", 7500, "ODbL", "CREMA-D repository (Git LFS)", "chang2021: fusion"),
    Entry("aff_wild", "Aff-Wild and Aff-Wild2", "aff_wild", ("annotations", "videos"),
          298, "videos", 30000, "research agreement",
          "Imperial College London, signed by the supervisor", "orgil2021, orgil2022: video"),
    Entry("afew_va", "AFEW-VA", "afew_va", ("[0-9]*",),
          600, "videos", 7000, "research agreement", "Imperial College London, on request",
          "orgil2022: sample figures"),
    Entry("adfes", "ADFES", "adfes",
          ("*.mp4", "*/*.mp4", "*.avi", "*/*.avi", "*.mp*g", "*/*.mp*g"),
          216, "videos", 500, "research agreement", "University of Amsterdam (AICE), on request",
          "yin2022: paths in the valence-arousal plane"),
    Entry("ckplus", "Extended Cohn-Kanade (CK+)", "ckplus", ("cohn-kanade-images",),
          593, "sequences", 1700, "research agreement", "University of Pittsburgh, on request",
          "chang2021: training the classical models"),
    Entry("rafd", "Radboud Faces Database", "rafd", ("Rafd*.jpg", "*/Rafd*.jpg"),
          8040, "images", 3000, "research agreement", "Radboud University, on request",
          "chang2021: testing the classical models"),
    Entry("emnist_letters", "EMNIST letters", "emnist", ("emnist-letters-*",),
          145600, "images", 35, "public domain (NIST)", "NIST, or torchvision's downloader",
          "orgil2022: continual learning", also=EMNIST),
    Entry("cifar100", "CIFAR-100", "cifar100", ("cifar100_subset.npz", "cifar-100-python"),
          60000, "images", 170, "free, cite the report", "University of Toronto",
          "orgil2022: continual learning"),
    Entry("vggface", "VGG-Face identities", "vggface",
          (*FACES, "files/*.txt", "vgg_face_dataset/files/*.txt"),
          2622, "people", 4000, "CC BY-NC 4.0 (list); the photographs have their own",
          "University of Oxford, VGG", "chang2021: source task", needs=FACES),
    Entry("speakers", "VoxCeleb1 voices", "speakers", ("wav/id*",),
          1251, "people", 39000, "CC BY 4.0; the recordings have their own",
          "University of Oxford, VGG", "chang2021: source task of the voice"),
    Entry("unipen", "UNIPEN letters", "unipen", ("letters28.npz",),
          89429, "images", 10, "CC BY 4.0", "International Unipen Foundation, Zenodo",
          "orgil2022: continual learning on real letters"),
    Entry("studyforrest", "studyforrest: portrayed emotions of a film", "studyforrest",
          ("features_25hz.npz",), 7085, "seconds", 11, "CC0; PDDL", "studyforrest.org",
          "orgil2021, orgil2022: label motion, two modalities"),
    Entry("ceap360vr", "CEAP-360VR annotations", "ceap360vr", ("annotations_25hz.npz",),
          256, "tracks", 3, "CC BY-NC 4.0", "CWI, their repository",
          "orgil2021: label motion of people's hands"),
    Entry("ravdess_av", "RAVDESS, paired summaries of sound and picture", "ravdess_av",
          ("audio_summary.csv", "video_summary.csv"), 360, "clips", 1,
          "CC BY-NC-SA 4.0 (derived from RAVDESS)", "tables computed by others, on request",
          "chang2021: fusion"),
    Entry("ravdess_tracking", "RAVDESS facial landmark tracking", "ravdess_tracking",
          ("*.csv", "*/*.csv"), 2452, "trials", 1200, "CC BY-NC-SA 4.0",
          "Zenodo, record 3255102", "chang2021: fusion of landmarks and sound"),
    Entry("crema_d_features", "CREMA-D utterance features", "crema_d_features", ("crema_d.csv",),
          7442, "clips", 4, "ODbL, DbCL", "a table computed by others, on request",
          "chang2021: speech"),
    Entry("ckplus48", "CK+ at 48 pixels, with FACS", "ckplus48", ("ckplus48.npz",),
          981, "images", 3, "research agreement of CK+", "University of Pittsburgh, on request",
          "chang2021: training the classical models"),
    Entry("jaffe", "Japanese Female Facial Expressions (JAFFE)", "jaffe", ("*.tiff", "*.tif"),
          213, "images", 14, "research use only", "its authors, Zenodo, on request",
          "chang2021: testing the classical models"),
)
# fmt: on
CATALOG = {entry.name: entry for entry in ENTRIES}
