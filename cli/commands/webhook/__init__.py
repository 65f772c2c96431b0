"""`tuixuan webhook`: the endpoints of other systems, and what was sent to them."""

import typer

from cli.commands.webhook import deliveries, endpoints

app = typer.Typer(no_args_is_help=True)
for commands in (endpoints.app, deliveries.app):
    app.registered_commands += commands.registered_commands
