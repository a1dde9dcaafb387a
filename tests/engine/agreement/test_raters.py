"""Many raters: published tables, other libraries' figures, and skewed labels."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.core.errors import UsageError
from tamis.engine.agreement.labels import cohen
from tamis.engine.agreement.raters import Scale, agreement, of_counts
from tamis.engine.agreement.reading import read_agreement

from .made import ratings, some_missing

N = None
#: Krippendorff 2011, section D: four observers, twelve units, some not observed
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
]
#: ten rows, fourteen raters, five labels: the table that illustrates Fleiss' kappa, 0.210
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


@pytest.mark.parametrize(("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorff_2011(scale: Scale, alpha: float) -> None:
    assert agreement(KRIPPENDORFF, scale=scale, resamples=0)["alpha"].value == pytest.approx(alpha, abs=0.0005)


def test_alpha_of_two_observers_and_binary_data() -> None:
    """Krippendorff 2011, section A: 0.095."""
    a, b = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert agreement([a, b], resamples=0)["alpha"].value == pytest.approx(0.095, abs=0.0005)


def test_ac1_and_fleiss_of_gwets_handbook() -> None:
    """The same twelve units in Gwet's handbook: AC1 0.775, Fleiss' kappa 0.761."""
    told = agreement(KRIPPENDORFF, resamples=0)
    assert told["ac1"].value == pytest.approx(0.77544, abs=1e-5)
    assert told["fleiss"].value == pytest.approx(0.76117, abs=1e-5)


def test_kappa_of_fleiss() -> None:
    told = of_counts(np.array(FLEISS), [1, 2, 3, 4, 5], resamples=0)
    assert told["fleiss"].value == pytest.approx(0.210, abs=0.0005)
    assert told["agreement"].value == pytest.approx(0.378, abs=0.0005)


@pytest.mark.parametrize(
    ("scale", "alpha", "ac"),
    [("nominal", 0.346022, 0.48834), ("ordinal", 0.360793, 0.57697), ("interval", 0.36085, 0.59398)],
)
def test_figures_are_those_of_krippendorff_and_irrcac(scale: Scale, alpha: float, ac: float) -> None:
    """Packages krippendorff 0.8 and irrCAC 0.4 on four raters with gaps."""
    told = agreement([some_missing(rater) for rater in range(4)], scale=scale, resamples=0)
    assert told["alpha"].value == pytest.approx(alpha, abs=1e-6)
    assert told["ac1" if scale == "nominal" else "ac2"].value == pytest.approx(ac, abs=1e-5)
    assert told["fleiss"].value == pytest.approx(0.35346, abs=1e-5)
    assert told["agreement"].value == pytest.approx(0.59514, abs=1e-5)


def test_fleiss_is_that_of_statsmodels() -> None:
    told = agreement([ratings(rater) for rater in range(4)], resamples=0)
    assert told["fleiss"].value == pytest.approx(0.36119956242727436, abs=1e-12)


def test_the_interval_of_alpha_is_that_of_resampling_row_by_row() -> None:
    """Quantiles of 1,500 resamples by the package krippendorff: 0.280 to 0.439."""
    told = agreement([some_missing(r) for r in range(4)], scale="ordinal", method="percentile")["alpha"]
    assert told[1:3] == pytest.approx((0.280, 0.439), abs=0.015)


def test_intervals_of_an_interval_scale_use_the_distances() -> None:
    near = agreement([[1, 2, 3, 10], [1, 2, 3, 9]], scale="interval", resamples=0)["alpha"].value
    far = agreement([[1, 2, 3, 10], [1, 2, 3, 1]], scale="interval", resamples=0)["alpha"].value
    assert (near or 0) > 0.98 > 0.1 > (far or 0)


def test_words_have_no_distances() -> None:
    with pytest.raises(UsageError, match="'a' is no number"):
        agreement([["a", "b"], ["a", "b"]], scale="interval")


def test_rows_one_rater_saw_count_for_no_agreement() -> None:
    whole = agreement([[1, 2, 1, 2], [1, 2, 2, 2]], resamples=0)
    more = agreement([[1, 2, 1, 2, 1], [1, 2, 2, 2, None]], resamples=0)
    assert more["agreement"].value == whole["agreement"].value
    assert more["alpha"].value == whole["alpha"].value


def test_nothing_rated_says_nothing() -> None:
    assert agreement([[None, None], [None, None]]) == {}
    told = agreement([["a", "a"], ["a", "a"]])
    assert told["alpha"].value is None
    assert told["agreement"].value == 1.0


def test_skewed_labels_kappa_is_said_to_mislead() -> None:
    """The table of Gwet 2008: 118 of 125 rows alike, kappa below nothing, AC1 0.94."""
    a, b = [1] * 123 + [0] * 2, [1] * 118 + [0] * 5 + [1] * 2
    kappa, told = cohen(a, b), agreement([a, b])
    assert kappa.value == pytest.approx(-0.0234, abs=1e-4)
    assert told["ac1"].value == pytest.approx(0.94078, abs=1e-5)
    said = read_agreement(told["agreement"].value, kappa, told["ac1"], [(1, 0.972), (0, 0.028)])
    assert len(said) == 1
    assert "kappa (-0.02) is misleading" in said[0]
    assert "AC1 (0.94)" in said[0]


def test_even_labels_kappa_needs_no_word() -> None:
    a, b = ratings(0), ratings(1)
    told = agreement([a, b], resamples=0)
    assert read_agreement(told["agreement"].value, told["fleiss"], told["ac1"], [(0, 0.4), (2, 0.4), (1, 0.2)]) == []


def test_a_low_kappa_of_many_rare_labels_is_not_explained_away() -> None:
    """450 rows, 85% one label, the rest given at random: AC1 is high, and it is kappa that says so."""
    a = [int(k % 7 == 0) for k in range(450)]
    b = [int(k % 7 == 1 + k % 5) for k in range(450)]
    kappa, told = cohen(a, b), agreement([a, b])
    share = 1 - (sum(a) + sum(b)) / 900
    said = read_agreement(told["agreement"].value, kappa, told["ac1"], [(0, share), (1, 1 - share)], rows=450)
    assert len(said) == 1
    assert "flatters here" in said[0]
