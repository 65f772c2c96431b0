"""The engine without us: an update that does nothing, and one that asks for what ours asks."""

from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

NAME, TASK_QUEUE, ACTIVITY = "Bare", "bare", "nothing"
RETURN, ASK = "return", "ask"

_STATE, _SEQ = SearchAttributeKey.for_keyword("CaseState"), SearchAttributeKey.for_int("CaseSeq")
_CATEGORY = SearchAttributeKey.for_keyword("Category")
_OVERDUE = SearchAttributeKey.for_bool("Overdue")
_ROUNDS = SearchAttributeKey.for_int("ReturnRounds")
_DEADLINE = SearchAttributeKey.for_datetime("Deadline")
_DUE = datetime(2030, 1, 1, tzinfo=UTC)


@workflow.defn(name=NAME)
class BareWorkflow:
    """Stays open, like a case, and answers."""

    @workflow.run
    async def run(self) -> None:
        """Wait for ever."""
        await workflow.wait_condition(lambda: False)

    @workflow.update(name=RETURN)
    async def give_back(self, number: int) -> int:
        """Return the number."""
        return number

    @workflow.update(name=ASK)
    async def ask(self, number: int) -> int:
        """Run an empty local activity, set the search attributes of a case, return the number."""
        answer: int = await workflow.execute_local_activity(
            ACTIVITY,
            number,
            result_type=int,
            start_to_close_timeout=timedelta(seconds=15),
            summary=f"提交 → {number}",
        )
        workflow.upsert_search_attributes(
            [
                _STATE.value_set(f"state_{number}"),
                _SEQ.value_set(number),
                _CATEGORY.value_set("category"),
                _OVERDUE.value_set(value=False),
                _ROUNDS.value_set(number),
                _DEADLINE.value_set(_DUE),
            ]
        )
        return answer

    @give_back.validator
    def check_give_back(self, number: int) -> None:
        """Let every step pass but an impossible one."""
        _check(number)

    @ask.validator
    def check_ask(self, number: int) -> None:
        """Let every step pass but an impossible one."""
        _check(number)


def _check(number: int) -> None:
    if number < 1:
        message = "steps count from 1"
        raise ValueError(message)
