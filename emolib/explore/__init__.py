"""Explore any stored run: linked views of embeddings, confusions and samples, in JupyterLab or as a page.

    explore.bundle("wang", study.explored(profile))     a study's points become a bundle on disk (see explore.bundles)
    explore.open("wang", profile=profile)                the views
    ./reproduce.sh explore                               the same as a page
"""

from emolib.explore.bundles import Bundle, bundle, find, load, stored

__all__ = ["Bundle", "bundle", "find", "load", "open", "stored"]


def open(*names: str, profile: str = "quick"):
    """Linked views over stored bundles: those named, or all of the profile. Without the explorer's packages: a line that says how to get them."""
    from emolib.explore import views

    return views.open(*names, profile=profile)
