"""With an accounting database: jobs are charged to the account that config.yaml names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tests.slurm.accounting import ACCOUNTS
from tests.slurm.conftest import Submitter, prepared, record, run_ids, running, until
from tests.slurm.local import LocalSlurm

pytestmark = pytest.mark.slurm
DEFAULT, ACCOUNT = ACCOUNTS
"""Where a job names none, and the one that the tests name."""


@pytest.fixture(scope="module")
def accounted() -> Iterator[LocalSlurm]:
    with running(with_accounting=True) as started:
        yield started


def one_row(text: str) -> str:
    return text.replace("rows: [baseline, mgd]", "rows: [baseline]")


def charged(slurm: LocalSlurm, jobs: Iterable[int]) -> set[tuple[str, str]]:
    """Accounts and states of jobs that have ended, as the database has them; it lags seconds."""
    numbers = ",".join(map(str, jobs))
    words = ("--allocations", "--noheader", "--parsable2", "--format=account,state")

    def known() -> list[tuple[str, str]] | None:
        told = slurm.command("sacct", *words, f"--jobs={numbers}").splitlines()
        pairs = [(account, state) for account, state in (line.split("|") for line in told)]
        going_on = any(state in ("PENDING", "RUNNING") for _, state in pairs)
        return None if going_on or len(pairs) < len(numbers.split(",")) else pairs

    return set(until(f"the database knows the end of jobs {numbers}", known, seconds=60))


def test_the_local_slurm_refuses_unknown_accounts(accounted):
    for words, account in ([(), DEFAULT], [(f"--account={ACCOUNT}",), ACCOUNT]):
        before = set(accounted.jobs("all"))
        accounted.command("srun", "--mem=10", *words, "true")
        assert charged(accounted, set(accounted.jobs("all")) - before) == {(account, "COMPLETED")}
    with pytest.raises(RuntimeError, match="Invalid account"):
        accounted.command("srun", "--mem=10", "--account=nobody", "true")


def test_a_wrong_account_is_told_once_and_costs_nothing(accounted, tmp_path_factory):
    checkout = prepared(tmp_path_factory.mktemp("cluster"), one_row)
    before = set(accounted.jobs("all"))
    with Submitter(accounted, checkout) as submitter:
        assert submitter.start("data", account="nobody").wait(timeout=120) == 2
        said = submitter.said()
        (message,) = (line for line in said.splitlines() if "nobody" in line)
        assert message.startswith("error: account: ")
        assert all(account in message for account in ACCOUNTS)
        assert "Traceback" not in said
        assert set(accounted.jobs("all")) == before

        # The same call with a right one; the data set's job is asked for under it too.
        submitter.finish(submitter.start("data", account=ACCOUNT), seconds=240)
    jobs = {n: comment for n, comment in accounted.jobs("all").items() if n not in before}
    assert list(jobs.values()) == ["rule_data"]
    assert charged(accounted, jobs) == {(ACCOUNT, "COMPLETED")}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("asked", "account"), [("squeue", ACCOUNT), ("sacct", ACCOUNT), ("squeue", None)]
)
def test_a_suite_goes_through(accounted, tmp_path_factory, asked, account):
    """Whoever is asked how jobs fare, and whether an account is named or not."""
    checkout = prepared(tmp_path_factory.mktemp("cluster"), one_row)
    before = set(accounted.jobs("all"))
    # The profile says `squeue` itself.
    options = () if asked == "squeue" else ("--slurm-status-command", asked)
    named = {} if account is None else {"account": account}
    with Submitter(accounted, checkout) as submitter:
        submitter.finish(submitter.start("students", *options, **named), seconds=600)

    ids = run_ids(checkout)
    jobs = {n: comment for n, comment in accounted.jobs("all").items() if n not in before}
    assert len(jobs) == 1 + len(ids)  # the data set's, and one a run
    assert charged(accounted, jobs) == {(account or DEFAULT, "COMPLETED")}
    for id in ids:
        assert len([comment for comment in jobs.values() if id.replace("/", "_") in comment]) == 1
        assert record(checkout, id, "outcome.json")["status"] == "complete"
