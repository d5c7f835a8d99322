"""The only place that draws or writes: tables, figures and claims, as files and to look at."""

from emolib.reproduction.report.show import (
    CLAIM_COLUMNS,
    STYLE,
    TABLE_COLUMNS,
    TIMING_COLUMNS,
    View,
    as_html,
    badge,
    badge_of,
    begin,
    beside_print,
    claims,
    figure,
    ours,
    outcomes,
    players,
    show,
    source_of,
    table,
    write_claims,
)
