"""Eight bots claim jobs while they are held up between reading and writing: is every job claimed once?"""

import os

from job_queue import JobQueue, LockingQueue, RacyQueue

import chaos_sql
from chaoscore import Scenario
from chaoscore.injectors import delay

BOTS = 8
CLAIMED_TWICE = "SELECT job, count(*) AS bots FROM claims GROUP BY job HAVING count(*) > 1 ORDER BY job"


def job_claim(name: str, queue: JobQueue) -> Scenario:
    """The scenario, for either implementation of the queue."""
    return (
        Scenario(name)
        .target(queue)
        .step("claim", JobQueue.claim)
        .inject("hold-up", delay("1ms", "10ms", at="queue.between"))
        .expect(
            "claimed-once", chaos_sql.consistent(CLAIMED_TWICE, "job {0} claimed by {1} bots", connect=JobQueue.connect)
        )
        .workers(BOTS)
        .repeat(queue.jobs)
    )


dsn = os.environ.get("JOB_CLAIM_DSN")  # PostgreSQL; without it SQLite
racy = job_claim("job-claim-racy", RacyQueue(dsn))
locking = job_claim("job-claim-locking", LockingQueue(dsn))
scenario = racy
