"""Command groups that import a command's module only to run it."""

from __future__ import annotations

import importlib
from typing import Any

import click

from ses_ops.cli.meant import meant


class LazyGroup(click.Group):
    """A group whose commands have a module and a line of help each; modules are imported when a command runs."""

    def __init__(self, *arguments: Any, commands: dict[str, tuple[str, str]] | None = None, **options: Any) -> None:
        """`commands`: name to ("module:function" below ses_ops.cli, one line of help)."""
        super().__init__(*arguments, **options)
        self._lazy = commands or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands in the given order: the order of a person's work."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        place = self._lazy.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, function = place[0].partition(":")
        found = getattr(importlib.import_module(f"ses_ops.cli.{module}"), function)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command as click does; the error for an unknown command names the one that was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            hint = meant(args[0], self.list_commands(ctx)) if args else ""
            if not hint or "did you mean" in problem.message.lower():
                raise
            raise click.UsageError(problem.message.rstrip(".") + hint, ctx) from problem

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into the help, without an import."""
        rows = [(name, text) for name, (_, text) in self._lazy.items()]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
        else:
            super().format_commands(ctx, formatter)


def examples(*lines: str) -> str:
    """The end of a command's help: its examples, each on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
