"""Groups against the rest: SciPy's figures, slow twins with users, and what must not be told on noise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tamis.engine.agreement.paired import holm, wilson
from tamis.engine.metrics.cuts import cut
from tamis.engine.metrics.outcomes import by_groups, cautions, constant_by_user, newcombe, side


def made(seed: int, n: int = 300) -> tuple[np.ndarray, pl.Series, np.ndarray]:
    """Edit distances, three versions, and users with few to many rows."""
    random = np.random.default_rng(seed)
    users = np.sort(random.zipf(1.6, n) % 40)
    version = random.integers(1, 4, n)
    return random.gamma(0.7, 20, n) / version, pl.Series("version", version), users.astype(np.int64)


def test_means_without_users_are_students_and_welchs() -> None:
    y, version, _ = made(1)
    (found,) = by_groups(y, "mean", [cut(version)], adjust="none")
    for group in found.groups:
        inside = (version == int(group.group)).to_numpy()
        a, b = y[inside], y[~inside]
        interval = stats.t.interval(0.95, len(a) - 1, a.mean(), stats.sem(a))
        assert (group.value, group.low, group.high) == pytest.approx((a.mean(), *interval))
        welch = stats.ttest_ind(a, b, equal_var=False)
        ends = welch.confidence_interval()
        assert (group.difference, group.p) == pytest.approx((a.mean() - b.mean(), welch.pvalue))
        assert (group.difference_low, group.difference_high) == pytest.approx((ends.low, ends.high))


def test_shares_without_users_are_wilsons_newcombes_and_fishers() -> None:
    y, version, _ = made(2)
    hits = (y > 8).astype(float)
    (found,) = by_groups(hits, "share", [cut(version)], adjust="none")
    for group in found.groups:
        inside = (version == int(group.group)).to_numpy()
        a, b = hits[inside], hits[~inside]
        assert (group.value, group.low, group.high) == pytest.approx(wilson(int(a.sum()), len(a)))
        table = [[a.sum(), len(a) - a.sum()], [b.sum(), len(b) - b.sum()]]
        assert group.p == pytest.approx(stats.fisher_exact(table)[1], rel=1e-6)
        assert (group.difference_low, group.difference_high) == newcombe(a.mean(), len(a), b.mean(), len(b))


def test_newcombes_own_example() -> None:
    # Newcombe 1998, table II (a): 56/70 against 48/80, method 10
    assert newcombe(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def slowly_by_users(y: np.ndarray, inside: np.ndarray, users: np.ndarray) -> tuple[float, float]:
    """The variance of the difference of means, user by user; and the degrees of freedom."""
    mine, rest = y[inside].mean(), y[~inside].mean()
    total = 0.0
    for user in set(users.tolist()):
        pull = 0.0
        for k in np.flatnonzero(users == user):
            pull += (y[k] - mine) / inside.sum() if inside[k] else -(y[k] - rest) / (~inside).sum()
        total += pull**2
    least = min(len(set(users[inside].tolist())), len(set(users[~inside].tolist())))
    return total * least / (least - 1), least - 1


def test_with_users_the_variance_is_that_of_their_sums() -> None:
    y, version, users = made(3)
    (found,) = by_groups(y, "mean", [cut(version)], users=users, adjust="none")
    for group in found.groups:
        inside = (version == int(group.group)).to_numpy()
        variance, df = slowly_by_users(y, inside, users)
        half = stats.t.ppf(0.975, df) * variance**0.5
        assert (group.difference_low, group.difference_high) == pytest.approx((group.difference - half, group.difference + half))  # fmt: skip
        assert group.p == pytest.approx(2 * stats.t.sf(abs(group.difference) / variance**0.5, df))
        assert group.users == len(set(users[inside].tolist()))


def test_where_each_row_is_a_user_the_mean_is_as_without() -> None:
    y, _, _ = made(4)
    own, alone = side(y, None), side(y, np.arange(len(y)))
    assert own == pytest.approx(alone)
    nobody = np.full(len(y), -1)
    version = cut(pl.Series("v", [0, 1] * 150))
    (a,), (b,) = by_groups(y, "mean", [version], users=nobody), by_groups(y, "mean", [version], users=np.arange(300))
    assert a == b


def test_a_group_that_is_one_user_is_not_a_finding() -> None:
    """A hundred rows of one user who accepts everything: row by row it looks certain."""
    accepted = np.array([1.0] * 100 + [0.0, 1.0] * 200)
    version = cut(pl.Series("v", ["new"] * 100 + ["old"] * 400))
    users = np.r_[np.zeros(100), np.repeat(np.arange(1, 41), 10)].astype(np.int64)
    (rows,) = by_groups(accepted, "share", [version])
    (byuser,) = by_groups(accepted, "share", [version], users=users)
    assert rows.groups[1].adjusted is not None
    assert rows.groups[1].adjusted < 1e-15
    assert [g.p for g in byuser.groups] == [None, None]
    assert cautions([byuser], True) == ["v: new has fewer than 10 users; with so few, intervals are too narrow"]


def test_on_noise_that_goes_by_user_rows_alone_tell_falsehoods_and_users_do_not() -> None:
    """Users differ, versions (one a user) do not: 400 tables, at 5%."""
    told = {"rows": 0, "users": 0}
    for seed in range(400):
        random = np.random.default_rng(seed)
        users = np.repeat(np.arange(40), 25)
        habit = random.beta(1, 1, 40)
        version = np.repeat(random.permutation(40) % 2, 25)
        accepted = (random.random(1000) < habit[users]).astype(float)
        groups = [cut(pl.Series("version", version))]
        told["rows"] += by_groups(accepted, "share", groups)[0].groups[0].p < 0.05
        told["users"] += by_groups(accepted, "share", groups, users=users)[0].groups[0].p < 0.05
    assert told["rows"] > 200
    assert told["users"] < 30


def test_intervals_by_users_hold_the_truth_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(400):
        random = np.random.default_rng(10_000 + seed)
        users = np.repeat(np.arange(30), random.integers(1, 40, 30))
        habit = random.beta(2, 2, 30)
        accepted = (random.random(len(users)) < habit[users]).astype(float)
        (found,) = by_groups(accepted, "share", [cut(pl.Series("all", ["x"] * len(users)))], users=users)
        inside += found.groups[0].low <= 0.5 <= found.groups[0].high
    assert inside / 400 > 0.91


def test_all_of_a_group_is_not_surely_more_than_nearly_all() -> None:
    """52 of 52 beside 98.5%: the group's rows do not vary, and that is no proof."""
    accepted = np.r_[np.ones(52), np.ones(985), np.zeros(15)]
    users = np.r_[np.arange(52) % 40, np.random.default_rng(1).integers(0, 190, 1000)]
    groups = [cut(pl.Series("topic", ["a"] * 52 + ["b"] * 1000))]
    (found,) = by_groups(accepted, "share", groups, users=users)
    one = found.groups[1]
    assert (one.group, one.value) == ("a", 1.0)
    assert one.p is not None
    assert one.p > 0.3
    assert one.difference_low < 0 < one.difference_high


def test_few_hits_by_users_tell_falsehoods_no_more_often_than_they_say() -> None:
    told = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        users, topic = random.integers(0, 120, 800), random.integers(0, 12, 800)
        sent = (random.random(800) < random.beta(40, 1, 120)[users]).astype(float)
        (found,) = by_groups(sent, "share", [cut(pl.Series("topic", topic))], users=users)
        told += any(g.adjusted is not None and g.adjusted < 0.05 for g in found.groups)
    assert told / 400 < 0.06


def test_once_each_user_counts_once_in_each_group() -> None:
    y = np.array([1, 1, 1, 1, 0, 0.0])
    users = np.array([0, 0, 0, 0, 1, 2])
    version = cut(pl.Series("v", ["a", "a", "b", "b", "b", "a"]))
    (found,) = by_groups(y, "share", [version], users=users, once=True)
    assert [(g.group, g.rows, g.users, g.value) for g in found.groups] == [("a", 3, 2, 0.5), ("b", 3, 2, 0.5)]
    (rows,) = by_groups(y, "share", [version], users=users)
    assert [g.value for g in rows.groups] == pytest.approx([2 / 3, 2 / 3])


def test_numbers_are_cut_in_fifths_and_their_order_is_tested_once() -> None:
    random = np.random.default_rng(5)
    length = random.gamma(2, 50, 500)
    y = (random.random(500) < 1 / (1 + length / 100)).astype(float)
    told, noise = by_groups(y, "share", [cut(pl.Series("length", length)), cut(pl.Series("coin", ["h", "t"] * 250))])
    assert told.spearman is not None
    assert told.spearman.value == pytest.approx(stats.spearmanr(length, y).statistic)
    assert told.p == pytest.approx(stats.spearmanr(length, y).pvalue, rel=1e-6)
    assert told.spearman.low < told.spearman.value < told.spearman.high < 0
    assert [g.rows for g in told.groups] == [100] * 5
    assert [g.adjusted for g in told.groups] == [None] * 5
    # two tests in all: the order of the numbers, and the coin, whose two groups are one test
    assert (told.adjusted, noise.groups[0].adjusted) == pytest.approx(tuple(holm([told.p, noise.groups[0].p])))
    assert noise.groups[0].adjusted == noise.groups[1].adjusted


def test_rows_without_the_outcome_are_left_out() -> None:
    y = np.array([1, np.nan, 0, np.nan, 1.0])
    (found,) = by_groups(y, "share", [cut(pl.Series("v", ["a", "a", "b", "c", "b"]))])
    assert [(g.group, g.rows) for g in found.groups] == [("a", 1), ("b", 2)]


def test_a_group_that_is_everything_is_compared_with_nothing() -> None:
    (found,) = by_groups(np.array([1, 0.0, 1]), "share", [cut(pl.Series("v", ["a"] * 3))])
    assert found.groups[0].difference is None
    (empty,) = by_groups(np.array([np.nan]), "mean", [cut(pl.Series("v", ["a"]))])
    assert empty.groups == []


def test_an_outcome_of_users_is_seen() -> None:
    assert constant_by_user(np.array([1, 1, 0, np.nan]), np.array([0, 0, 1, 1]))
    assert not constant_by_user(np.array([1, 0.0, 0]), np.array([0, 0, 1]))
    assert not constant_by_user(np.array([1, 0.0]), np.array([0, 1]))  # every user has one row: nothing to see
