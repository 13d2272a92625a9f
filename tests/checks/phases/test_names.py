"""Every spelling that was seen comes out as the one canonical name."""

from __future__ import annotations

import pytest

from checks.phases.names import Canonical, canonical_phase, canonical_processor
from tests.support.pipelines import nba

PHASES = ("phase2", "phase3", "phase4")


@pytest.mark.parametrize(
    ("recorded", "canonical", "normalised"),
    [
        ("player_game_summary", "player_game_summary", False),
        ("  player_game_summary\n", "player_game_summary", False),
        ("PlayerGameSummaryProcessor", "player_game_summary", True),
        ("PlayerGameSummary", "player_game_summary", True),
        (" PlayerGameSummaryProcessor ", "player_game_summary", True),
        ("Player_Game_Summary", "player_game_summary", True),
        ("PLAYER_GAME_SUMMARY", "player_game_summary", True),
        ("nba_analytics.player_game_summary", "player_game_summary", True),
        ("proj.nba_analytics.PlayerGameSummaryProcessor", "player_game_summary", True),
        ("MLFeatureStoreProcessor", "ml_feature_store", True),
        ("ml_feature_store_v2", "ml_feature_store", True),
        ("MlFeatureStoreV2Processor", "ml_feature_store", True),
        ("nba_raw.bdl_player_boxscores", "p2_bdl_box_scores", True),
        ("BdlPlayerBoxscoresProcessor", "p2_bdl_box_scores", True),
        ("p2_bdl_box_scores", "p2_bdl_box_scores", False),
        ("P2BdlBoxScores", "p2_bdl_box_scores", True),
        ("P2_BDL_BOX_SCORES", "p2_bdl_box_scores", True),
        ("PBPProcessor", "pbp", True),
        ("player_game_summary_processor", "player_game_summary_processor", False),
        ("somebody_else", "somebody_else", False),
        ("", "", False),
    ],
)
def test_a_processor_has_one_name(recorded: str, canonical: str, normalised: bool) -> None:
    """Trim, last dot, Processor, snake_case, lower case, alias: in this order."""
    assert canonical_processor(recorded, nba().aliases) == Canonical(canonical, normalised)


def test_an_alias_is_looked_up_once() -> None:
    """A chain of aliases is not followed, so that a loop in the configuration cannot hang."""
    assert canonical_processor("a", {"a": "b", "b": "a"}) == Canonical("b", normalised=True)


@pytest.mark.parametrize(
    ("recorded", "normalised"),
    [("phase3", False), ("Phase3", True), ("phase_3", True), ("3", True), ("PHASE-3", True), (" phase3", True)],
)
def test_a_phase_has_one_name(recorded: str, normalised: bool) -> None:
    """Case, separators and the word itself do not matter; any difference counts as normalising."""
    assert canonical_phase(recorded, PHASES) == Canonical("phase3", normalised)


@pytest.mark.parametrize("recorded", ["", "phase", "phase5", "33", "phase33", "phase_3_analytics"])
def test_another_phase_is_none_of_ours(recorded: str) -> None:
    """What is not a spelling of a known phase is not guessed at."""
    assert canonical_phase(recorded, PHASES) is None


def test_phases_need_not_be_numbered() -> None:
    """Any configured name is found again in another spelling."""
    assert canonical_phase("Load_Orders", ("load-orders", "ship")) == Canonical("load-orders", normalised=True)
