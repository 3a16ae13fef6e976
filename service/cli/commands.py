"""The tree of commands. Each command is a few lines: open the house, call a use case, answer."""

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

import typer

COMMANDS = {"init": "stores", "serve": "serve", "demo": "demo.command"}
GROUPS = {
    "db": "stores",
    "keys": "keys",
    "people": "people",
    "regions": "regions",
    "releases": "releases",
    "rules": "rules",
    "audit": "audit",
    "reviews": "reviews",
    "appeals": "appeals",
}
"""Names of commands, and the module beside this one that each is in."""


def tree(names: Iterable[str] = (*COMMANDS, *GROUPS)) -> typer.Typer:
    """These commands, all of them by default; only their modules are imported."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
    )
    # Else a single command would be the whole program, and its name an argument.
    app.callback()(_nothing)
    for name in names:
        if name in COMMANDS:
            app.command(name)(getattr(_module(COMMANDS[name]), name))
        else:
            app.add_typer(_module(GROUPS[name]).app, name=name)
    return app


def tree_for(arguments: list[str]) -> typer.Typer:
    """As much of the tree as these arguments need: every start would wait for the rest of it."""
    wanted = arguments[0] if arguments else ""
    return tree([wanted]) if wanted in COMMANDS or wanted in GROUPS else tree()


def _nothing() -> None: ...


def _module(name: str) -> ModuleType:
    return import_module(f"service.cli.{name}")
