"""The transformers: checks on the thesis orgil2022, 4.3 and 5.2, Table 4.3, Figure 4.11."""

from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    by_part,
    falling,
    first,
    firsts,
    judge,
    listed,
    rising,
    weigh,
)

SCORE = "Accuracy @2CCC"
RUN_TWICE = ("Mesh Transformer", "Feature Transformer", "EVM Transformer")  # with either loss

check = Checks("orgil2022")


def both(t4_3: Table, **where) -> dict[tuple[str, str], float]:
    """(model, loss) -> valence + arousal, for the rows that were run."""
    valence, arousal = (t4_3.column(metric=m, **where) for m in ("Valence", "Arousal"))
    return {key: valence[key] + arousal[key] for key in valence}


def _short(values: dict[tuple[str, str], float], form: str = ".4f") -> str:
    return listed({(first(model), loss): v for (model, loss), v in values.items()}, form)


def _pairs(values: dict[tuple[str, str], float]) -> dict[str, tuple[float, float]]:
    """model -> (ours, CCC) of the models that were run with either loss."""
    models = [model for model, loss in values if loss == "Ours"]
    return {m: (values[m, "Ours"], values[m, "CCC"]) for m in models}


def _against(pairs: dict[str, tuple[float, float]], form: str = ".4f") -> str:
    return ", ".join(f"{first(m)} {o:{form}} against {c:{form}}" for m, (o, c) in pairs.items())


@check("orgil-a6_1")
def score_is_valence_plus_arousal(t4_3):
    """Accuracy @2CCC, at most 2, is the sum of the two CCC beside it (Table 4.3)."""
    score, summed = t4_3.column(metric=SCORE), both(t4_3)
    gaps = {key: score[key] - summed[key] for key in score}
    return judge(
        all(abs(gap) <= 0.0006 for gap in gaps.values()),
        f"score - (valence + arousal): {_short(gaps, '+.4f')}",
    )


@check("orgil-a6_2")
def ccc_loss_wins_in_all_models(t4_3):
    score = _pairs(t4_3.column(metric=SCORE, model=RUN_TWICE))
    summed = _pairs(both(t4_3, model=RUN_TWICE))
    return weigh(
        {
            "printed score": all(ccc > ours for ours, ccc in score.values()),
            "valence + arousal": all(ccc > ours for ours, ccc in summed.values()),
        },
        f"by the score, ours against CCC: {_against(score)}; by valence + arousal: "
        f"{_against(summed)}; Multi was not run with CCC",
    )


@check("orgil-a6_22")
def mesh_has_the_best_valence(t4_3):
    values = falling(t4_3.column(metric="Valence"))
    return judge(next(iter(values))[0] == "Mesh Transformer", _short(values))


@check("orgil-a6_3")
def evm_is_best_in_both_axes(t4_3):
    orders = {}
    for metric in ("Valence", "Arousal"):
        for loss in ("Ours", "CCC"):
            values = t4_3.column(loss=loss, metric=metric)
            orders[f"{metric} {loss}"] = firsts(falling(values))
    best = [next(iter(order)) for order in orders.values()]
    return judge(set(best) == {"EVM"}, by_part(orders, ".4f"))


@check("orgil-a6_4")
def evm_reaches_05542_on_both_axes(text, t4_3):
    claimed = text.cell("CCC of the EVM transformer, both axes")
    valence, arousal = (t4_3.cell("EVM Transformer", "Ours", m) for m in ("Valence", "Arousal"))
    return judge(
        abs(valence - claimed) < 5e-5 and abs(arousal - claimed) < 5e-5,
        f"{valence:.4f} and {arousal:.4f}; their mean is {(valence + arousal) / 2:.4f} "
        f"(printed {claimed:.4f})",
    )


@check("orgil-a6_4_2")
def ni_gives_the_best_transformer(t4_3):
    values = falling(both(t4_3))
    return judge(next(iter(values))[1] == "Ours", f"valence + arousal: {_short(values)}")


@check("orgil-a6_5")
def multi_transformer_is_lowest(t4_3):
    multi = ("Multi Transformer", "Ours")
    score, summed = rising(t4_3.column(metric=SCORE)), rising(both(t4_3))
    return weigh(
        {
            "printed score": next(iter(score)) == multi,
            "valence + arousal": next(iter(summed)) == multi,
        },
        f"from the lowest, score: {_short(score)}; valence + arousal: {_short(summed)}",
    )


@check("orgil-a6_6")
def ccc_training_is_still_running(t4_3):
    score = t4_3.column(loss="CCC", metric=SCORE)
    return judge(
        not score,
        f"Table 4.3 prints {len(score)} of 4 models trained with CCC: "
        f"{listed(firsts(score), '.4f')}",
    )


@check("orgil-a6_7")
def ours_is_faster(t4_3):
    seconds, epochs = (t4_3.column(metric=m, model=RUN_TWICE) for m in ("Epoch duration", "Epochs"))
    each, split = _pairs(seconds), _pairs({key: seconds[key] / epochs[key] for key in seconds})
    return weigh(
        {
            "seconds an epoch": all(ours < ccc for ours, ccc in each.values()),
            "seconds in all": all(ours < ccc for ours, ccc in split.values()),
        },
        f"as printed {_against(each, '.0f')}; divided by the epochs {_against(split, '.1f')}",
    )


@check("orgil-a6_7_2")
def ours_takes_99_seconds(text):
    ours, mse = text.cells("seconds an epoch, new loss", "seconds an epoch, MSE")
    less = 100 * (1 - ours / mse)
    return judge(ours < mse, f"{ours:.0f} < {mse:.0f}: {less:.1f} % less, one run each")


@check("orgil-a6_8")
def ni_00173_beats_mse_00315(text):
    ni, mse = text.cells("validation loss, new loss", "validation loss, MSE")
    return judge(
        2 * ni < mse,
        f"the new loss is about MSE/2: {ni:.4f} is an MSE of about {2 * ni:.4f}, above {mse:.4f}",
    )


@check("orgil-a6_8_2")
def training_losses_are_the_same(text):
    ni, mse = text.cells("training loss, new loss", "training loss, MSE")
    return weigh(
        {"each in its own unit": ni == mse, "both as MSE": abs(2 * ni - mse) < 0.001},
        f"{ni:.4f} and {mse:.4f} in two units: as MSE about {2 * ni:.4f} and {mse:.4f}",
    )
