"""The nearest that two schedulers do on PostgreSQL: jobs, due at once, each of which adds one to a row.

`rate_of(NAME, …)` gives jobs a second, from the start of one worker until the last job has committed; what it
takes to plant them does not count. Procrastinate keeps finished jobs, as we keep fires; APScheduler deletes
them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import psycopg

ROWS = 400
"""As many as there are picos in the other part of the measurement."""
CONCURRENCY = 8
ADD = "UPDATE counter SET number = number + 1 WHERE id = %s"
SUM = "SELECT sum(number)::bigint FROM counter"

pool: Any = None
"""The sessions of APScheduler's jobs: a job is kept by the name of its function and cannot carry one."""
left = threading.Semaphore(0)
"""Released once for each job that was done."""


PEERS = ("Procrastinate", "APScheduler 3")


def rate_of(name: str, address: str, jobs: int) -> float:
    """Jobs a second."""
    with psycopg.connect(address, autocommit=True) as session:
        session.execute("CREATE TABLE counter (id bigint PRIMARY KEY, number bigint NOT NULL)")
        session.execute("INSERT INTO counter SELECT n, 0 FROM generate_series(0, %s) AS n", (ROWS - 1,))
        works: dict[str, Callable[[str, int], float]] = {
            "Procrastinate": lambda *given: asyncio.run(_of_procrastinate(*given)),
            "APScheduler 3": _of_apscheduler,
        }
        took = works[name](address, jobs)
        assert session.execute(SUM).fetchall() == [(jobs,)]
    return jobs / took


async def _of_procrastinate(address: str, jobs: int) -> float:
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=address))

    @app.task(name="add")  # type: ignore[untyped-decorator,unused-ignore]
    async def add(row: int) -> None:
        await app.connector.execute_query_async(ADD.replace("%s", "%(row)s"), row=row)

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await add.batch_defer_async(*({"row": number % ROWS} for number in range(jobs)))
        begun = perf_counter()
        await app.run_worker_async(wait=False, concurrency=CONCURRENCY, install_signal_handlers=False)
        return perf_counter() - begun


def add(row: int) -> None:
    with pool.connection() as session:
        session.execute(ADD, (row,))
    left.release()


def _of_apscheduler(address: str, jobs: int) -> float:
    global pool
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler
    from psycopg_pool import ConnectionPool

    url = address.replace("postgresql:", "postgresql+psycopg:")
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url)},
        executors={"default": ThreadPoolExecutor(CONCURRENCY)},
        job_defaults={"misfire_grace_time": None},
        timezone=UTC,
    )
    with ConnectionPool(address, min_size=CONCURRENCY) as pool:
        pool.wait()
        scheduler.start(paused=True)
        due = datetime.now(UTC) - timedelta(seconds=1)
        for number in range(jobs):
            scheduler.add_job(add, "date", run_date=due, args=[number % ROWS])
        begun = perf_counter()
        scheduler.resume()
        for _ in range(jobs):
            assert left.acquire(timeout=60)
        took = perf_counter() - begun
        scheduler.shutdown()
    return took
