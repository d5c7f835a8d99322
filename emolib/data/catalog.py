"""The data sets of the five works: what each is for, who grants access, where its files lie.

A set lives in a folder of its own under the data root; `mark` are the files that show it is there.
A set whose marks alone cannot be loaded (votes without the pictures, a list of people without
photographs) names in `needs` what must stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """One file that its holders let everybody download, without a login."""

    url: str
    size: int  # bytes; 0 where nobody says
    checksum: str  # 'md5:...' or 'sha256:...'; '' where none is confirmed: the first download's
    into: str  # where it goes below the data folder: a file, or for an archive a folder
    members: str = ""  # members of an archive that are unpacked; the group is their place in `into`


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
    stands_for: str = ""  # the works' own set whose place it takes where that one is absent
    downloads: tuple[Download, ...] = ()  # what `get` fetches; none where access is granted


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

FACE = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
POSE = "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad"
VOTES = "9206e20d62f56475939f516847d61753e4860caeac9718b560129541b776fc2c"
# a person a file; the commit in the address stands for a checksum, the first download's is kept
ANNOTATIONS = "https://raw.githubusercontent.com/cwi-dis/CEAP-360VR-Dataset/"
ANNOTATIONS += "5724b60f818a953931fd76c65b3f27f5ea545e64/CEAP-360VR/3_AnnotationData/Frame/"
PEOPLE = [f"P{number}_Annotation_FrameData.json" for number in range(1, 33)]
CEAP360VR = [Download(ANNOTATIONS + name, 0, "", f"ceap360vr/{name}") for name in PEOPLE]

# fmt: off
ENTRIES = (
    Entry("sfew", "SFEW features (Static Facial Expressions in the Wild)", "sfew", ("SFEW.xlsx",),
          675, "rows", 1, "research use only", "Australian National University, on request",
          "wang: pruning and 1-D CNN fusion",
          page="https://users.cecs.anu.edu.au/~few_group/AFEW.html"),
    Entry("fer2013", "FER2013", "fer2013", (*FER2013, "train.csv", "train"),
          35887, "images", 290, "Kaggle competition terms",
          "Kaggle: challenges in representation learning",
          "orgil2022: classifiers; chang2021: transfer",
          page="https://www.kaggle.com/competitions/"
          "challenges-in-representation-learning-facial-expression-recognition-challenge"),
    Entry("ferplus", "FERPlus votes for FER2013", "fer2013", ("fer2013new.csv",),
          35887, "rows", 2, "MIT", "Microsoft's FERPlus repository", "orgil2022: majority labels",
          needs=FER2013,
          page="https://github.com/microsoft/FERPlus",
          downloads=(Download("https://raw.githubusercontent.com/microsoft/FERPlus/master/fer2013new.csv",
                    1_602_762, f"sha256:{VOTES}", "fer2013/fer2013new.csv"),)),
    Entry("ravdess", "RAVDESS speech", "ravdess", ("Actor_*", "*/Actor_*"),
          1440, "clips", 590, "CC BY-NC-SA 4.0", "Zenodo, record 1188976",
          "chang2021: speech and fusion",
          page="https://zenodo.org/records/1188976",
          downloads=(Download("https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
                    208_468_073, "md5:bc696df654c87fed845eb13823edef8a", "ravdess",
                    r"(Actor_\d\d/03-01-[\d-]+\.wav)"),)),
    Entry("crema_d", "CREMA-D", "crema_d", ("AudioWAV", "VideoFlash", "VideoMP4"),
          7442, "clips", 7500, "ODbL", "CREMA-D repository: git clone, git lfs pull",
          "chang2021: fusion",
          page="https://github.com/CheyneyComputerScience/CREMA-D"),
    Entry("aff_wild", "Aff-Wild and Aff-Wild2", "aff_wild", ("annotations", "videos"),
          298, "videos", 30000, "research agreement",
          "Imperial College London, signed by the supervisor", "orgil2021, orgil2022: video",
          page="https://ibug.doc.ic.ac.uk/resources/aff-wild2/"),
    Entry("afew_va", "AFEW-VA", "afew_va", ("[0-9]*",),
          600, "videos", 7000, "research agreement", "Imperial College London, on request",
          "orgil2022: sample figures",
          page="https://ibug.doc.ic.ac.uk/resources/afew-va-database/"),
    Entry("adfes", "ADFES", "adfes",
          ("*.mp4", "*/*.mp4", "*.avi", "*/*.avi", "*.mp*g", "*/*.mp*g"),
          216, "videos", 500, "research agreement", "University of Amsterdam (AICE), on request",
          "yin2022: paths in the valence-arousal plane",
          page="https://aice.uva.nl/research-tools/adfes-stimulus-set/adfes-stimulus-set.html"),
    Entry("ckplus", "Extended Cohn-Kanade (CK+)", "ckplus", ("cohn-kanade-images",),
          593, "sequences", 1700, "research agreement", "University of Pittsburgh, on request",
          "chang2021: training the classical models",
          page="https://www.jeffcohn.net/Resources/"),
    Entry("rafd", "Radboud Faces Database", "rafd", ("Rafd*.jpg", "*/Rafd*.jpg"),
          8040, "images", 3000, "research agreement", "Radboud University, on request",
          "chang2021: testing the classical models",
          page="https://rafd.socsci.ru.nl/"),
    Entry("emnist_letters", "EMNIST letters", "emnist", ("emnist-letters-*",),
          145600, "images", 35, "public domain (NIST)", "NIST, or torchvision's downloader",
          "orgil2022: continual learning", also=EMNIST,
          page="https://www.nist.gov/itl/products-and-services/emnist-dataset",
          downloads=(Download("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
                    561_753_746, "md5:58c8d27c78d21e728a6bc7b3cc06412e", "emnist",
                    r"(?:gzip/)?(emnist-letters-(?:train|test)-[a-z0-9-]+-ubyte\.gz)"),)),
    Entry("cifar100", "CIFAR-100", "cifar100", ("cifar100_subset.npz", "cifar-100-python"),
          60000, "images", 170, "free, cite the report", "University of Toronto",
          "orgil2022: continual learning",
          page="https://www.cs.toronto.edu/~kriz/cifar.html",
          downloads=(Download("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
                    169_001_437, "md5:eb9058c3a382ffc7106e4002c42a8d85", "cifar100",
                    r"(cifar-100-python/(?:train|test|meta))"),)),
    Entry("vggface", "VGG-Face identities", "vggface",
          (*FACES, "files/*.txt", "vgg_face_dataset/files/*.txt"),
          2622, "people", 4000, "CC BY-NC 4.0 (list); the photographs have their own",
          "University of Oxford, VGG", "chang2021: source task", needs=FACES,
          page="https://www.robots.ox.ac.uk/~vgg/data/vgg_face/"),
    Entry("speakers", "VoxCeleb1 voices", "speakers", ("wav/id*",),
          1251, "people", 39000, "CC BY 4.0; the recordings have their own",
          "University of Oxford, VGG", "chang2021: source task of the voice",
          page="https://www.robots.ox.ac.uk/~vgg/data/voxceleb/"),
    Entry("unipen", "UNIPEN letters", "unipen", ("letters28.npz",),
          89429, "images", 10, "CC BY 4.0", "pen strokes: International Unipen Foundation, Zenodo",
          "orgil2022: continual learning on real letters",
          page="https://zenodo.org/records/1195803", stands_for="emnist_letters"),
    Entry("studyforrest", "studyforrest: portrayed emotions of a film", "studyforrest",
          ("features_25hz.npz",), 7085, "seconds", 11, "CC0; PDDL", "studyforrest.org",
          "orgil2021, orgil2022: label motion, two modalities",
          page="https://www.studyforrest.org/"),
    Entry("ceap360vr", "CEAP-360VR annotations", "ceap360vr",
          ("annotations_25hz.npz", "P*_Annotation_FrameData.json"),
          256, "tracks", 86, "CC BY-NC 4.0", "CWI, their repository",
          "orgil2021: label motion of people's hands",
          page="https://github.com/cwi-dis/CEAP-360VR-Dataset",
          downloads=(*CEAP360VR,)),
    Entry("ravdess_av", "RAVDESS, paired summaries of sound and picture", "ravdess_av",
          ("audio_summary.csv", "video_summary.csv"), 360, "clips", 1,
          "CC BY-NC-SA 4.0 (derived from RAVDESS)",
          "computed by others, not at the holders of RAVDESS",
          "chang2021: fusion",
          page="https://zenodo.org/records/1188976"),
    Entry("ravdess_tracking", "RAVDESS facial landmark tracking", "ravdess_tracking",
          ("*.csv", "*/*.csv"), 2452, "trials", 1200, "CC BY-NC-SA 4.0",
          "Zenodo, record 3255102", "chang2021: fusion of landmarks and sound",
          page="https://zenodo.org/records/3255102",
          downloads=(Download("https://zenodo.org/records/3255102/files/FacialTracking_Actors_01-24.zip",
                    417_163_019, "md5:5753bbc64a9a790f8a8d3e03cba526ee", "ravdess_tracking",
                    r"(?:.*/)?(01-0[12]-[\d-]+\.csv)"),)),
    Entry("crema_d_features", "CREMA-D utterance features", "crema_d_features", ("crema_d.csv",),
          7442, "clips", 4, "ODbL, DbCL", "computed by others, not at the holders of CREMA-D",
          "chang2021: speech",
          page="https://github.com/CheyneyComputerScience/CREMA-D"),
    Entry("ckplus48", "CK+ at 48 pixels, with FACS", "ckplus48", ("ckplus48.npz",),
          981, "images", 3, "research agreement of CK+", "University of Pittsburgh, on request",
          "chang2021: training the classical models",
          page="https://www.jeffcohn.net/Resources/"),
    Entry("jaffe", "Japanese Female Facial Expressions (JAFFE)", "jaffe", ("*.tiff", "*.tif"),
          213, "images", 14, "research use only", "its authors, Zenodo, on request",
          "chang2021: testing the classical models",
          page="https://zenodo.org/records/3451524"),
)
# Files of the detectors: no data set, but got in the same way.
TASKS = "https://storage.googleapis.com/mediapipe-models"
MODELS = Entry(
    "models", "MediaPipe's face and pose landmarkers", "models", ("*.task",), 2, "files", 13,
    "Apache 2.0", "Google", "landmarks, pose and mesh of films",
    page="https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker",
    downloads=(
        Download(f"{TASKS}/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
                 3_758_596, f"sha256:{FACE}", "models/face_landmarker.task"),
        Download(f"{TASKS}/pose_landmarker/pose_landmarker_full/float16/1/"
                 "pose_landmarker_full.task",
                 9_398_198, f"sha256:{POSE}", "models/pose_landmarker_full.task"),
    ),
)
# fmt: on
CATALOG = {entry.name: entry for entry in ENTRIES}
