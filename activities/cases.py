"""The activities of a case: commit a transition, read where a case stands."""

from datetime import datetime

from sqlalchemy import Engine
from structlog.contextvars import bound_contextvars
from temporalio import activity

from models.cases.messages import CommitTransitionInput, CommitTransitionResult, Standing
from services.cases.commit import Commits
from services.cases.standing import read_standing
from services.seasons.cache import SeasonCache
from workflows import names


class CaseActivities:
    """Synchronous: they run in the worker's threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cache = engine, SeasonCache()
        self._commits = Commits(engine, self._cache)

    @activity.defn(name=names.COMMIT_TRANSITION)
    def commit_transition(self, wanted: CommitTransitionInput) -> CommitTransitionResult:
        """Put a transition on record, or say what stands there."""
        with bound_contextvars(workflow_id=activity.info().workflow_id):
            return self._commits.commit(wanted)

    @activity.defn(name=names.READ_STANDING)
    def read_standing(self, case_id: str, now: datetime) -> Standing:
        """Return where a case stands."""
        return read_standing(self._engine, self._cache, case_id, now)
