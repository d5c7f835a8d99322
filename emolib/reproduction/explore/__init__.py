"""Explore any stored run: linked views of embeddings, confusions and samples.

explore.bundle("wang", study.explored(profile))     a study's points become a bundle on disk
explore.open("wang", profile=profile)                the views, in JupyterLab
explore.still(bundle, ("class", "actor"))            a drawing for those who only read
explore/wang.html beside the bundle                  the views from disk, without a server
./reproduce.sh explore                               the views live: other projections, sounds
"""

from emolib.reproduction.explore.bundles import Bundle, bundle, find, load, stored
from emolib.reproduction.explore.still import still


def open(*names: str, profile: str = "quick"):
    """Linked views over stored bundles, those named or all of the profile: a widget.

    Without the explorer's packages, a line that says how to get them. Raises EmolibError for an
    unknown name, or when there is none.
    """
    from emolib.reproduction import report

    chosen = {name: find(name, profile) for name in names} or stored(profile)
    if not chosen:
        find("", profile)  # says that there is none, and what makes some
    try:
        from emolib.reproduction.explore.views import Explorer
    except ImportError as error:
        import pandas as pd

        return report.View(
            f"{report.STYLE}<p class='emolib-note'>The explorer is not shown: {error}. Get it with "
            "<code>pip install 'emolib[explore]'</code>; "
            "the figures of this notebook need nothing more.</p>",
            pd.DataFrame({"bundle": list(chosen)}),
        )
    return Explorer(chosen)
