"""`./run python -m bench [--quick] [--json FILE]`: every measurement of docs/performance.md."""

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import (
    assessing,
    entries,
    keys,
    machine,
    planning,
    policy,
    reading,
    sealing,
    trials,
    walls,
)
from bench.stage import columns, open_stage, spelled, versions
from bench.trials import Finding, Run


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter trials, a panel of 200")
    parser.add_argument("--json", type=Path, help="write everything found to this file")
    parser.add_argument("--only", nargs="*", help="names of trials")
    options = parser.parse_args()
    seconds, times, panel = (3.0, 1, 200) if options.quick else (10.0, 3, 2000)
    began = time.time()
    with open_stage(residents=64, panel=panel) as stage:
        run = Run(stage, seconds)
        all_trials: dict[str, Callable[[], list[Finding]]] = {
            "records": lambda: trials.single_records(run, times),
            "prompt": lambda: trials.prompts(run, times),
            "samples": lambda: trials.thousands_of_samples(run, times),
            "year": lambda: trials.years(run),
            "panel": lambda: trials.panels(run),
            "rewrap": keys.rewraps,
            "assess": assessing.assessments,
            "log": entries.entries,
            "reading": reading.readings,
            "plan": planning.plannings,
            "walls": walls.cities,
            "decide": policy.decisions,
            "seal": sealing.sealing,
            "root": sealing.root_keys,
        }
        findings: list[Finding] = []
        for name, trial in all_trials.items():
            if options.only and name not in options.only:
                continue
            # Tokens live ten minutes; a trial takes less.
            stage.awake()
            findings += trial()
            print(f"{name}: done after {time.time() - began:.0f} s", flush=True)
        described = {**machine.described(), **versions(stage.database)}
    print(columns(_table(findings)))
    if options.json:
        document = {"machine": described, "findings": [asdict(one) for one in findings]}
        options.json.write_text(spelled(document) + "\n", encoding="utf-8")


def _table(findings: list[Finding]) -> list[list[str]]:
    rows = [["what", "result", "target", "", "raw cost alone", "share of it", "details"]]
    for one in findings:
        share = "" if one.raw is None else f"{one.value / one.raw:.2f}"
        met = {True: "met", False: "missed", None: ""}[one.met]
        sign = "≥" if one.more_is_better else "≤"
        rows.append(
            [
                one.name,
                f"{_number(one.value)} {one.unit}",
                "" if one.target is None else f"{sign} {_number(one.target)}",
                met,
                "" if one.raw is None else _number(one.raw),
                share,
                ", ".join(f"{name} {value}" for name, value in one.detail.items()),
            ]
        )
    return rows


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
