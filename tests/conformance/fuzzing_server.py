"""A separate process that serves the cases named by its arguments, then prints the verdicts.

Does not use the client under test. The first line of its output is the URL. After the client
has asked for the report, the second line is a JSON list of case id, behavior, behavior of the
closing handshake and explanation. The process ends when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys

from kosoku import FailureError, run_fuzzingserver


async def serve(cases: list[str]) -> None:
    async with run_fuzzingserver(cases, host="127.0.0.1", port=0) as server:
        print(f"ws://{server.address}:{server.port}", flush=True)
        try:
            results = await server.get_result()
        except FailureError as failure:
            # This is raised if a case failed. It carries the results of every case.
            results = failure.results
        verdicts = [
            (
                result.case_id,
                result.behavior.value,
                result.behavior_close.value,
                f"{result.result} {result.result_close}",
            )
            for result in results
        ]
        print(json.dumps(verdicts), flush=True)
        # Leaving now would cut off the client's closing handshake.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
