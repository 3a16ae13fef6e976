"""The tree of commands. Each command is a few lines: open the house, call a use case, answer."""

import typer

from service.cli import (
    appeals,
    audit,
    keys,
    people,
    regions,
    releases,
    reviews,
    rules,
    serve,
    stores,
)
from service.cli.demo import command as demo

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
app.command("init")(stores.init)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(stores.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.add_typer(regions.app, name="regions")
app.add_typer(releases.app, name="releases")
app.add_typer(rules.app, name="rules")
app.add_typer(audit.app, name="audit")
app.add_typer(reviews.app, name="reviews")
app.add_typer(appeals.app, name="appeals")
