"""One way to answer on the command line: a JSON object, or the same facts for a person."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
console = Console(highlight=False)


def answer(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        # At once, line by line: whoever reads a long job through a pipe wants to see it go on.
        print(json.dumps(facts, ensure_ascii=False, default=str), flush=True)
        return
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        shown = value if isinstance(value, str | int | float) else json.dumps(value, default=str)
        console.print(f"{name:<{width}}  {shown}", markup=False)
