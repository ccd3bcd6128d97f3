"""`ses listen`: the processes that the outside reaches."""

from __future__ import annotations

import click

from ses_ops import api_settings, settings


@click.group()
def listen() -> None:
    """Processes that recipients, providers, mail servers and programs reach. Ctrl-C or SIGTERM ends one."""


@listen.command("public")
@click.option("--host", help="Address to listen on. [default: SES_PUBLIC_HOST, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: SES_PUBLIC_PORT, else 8070]")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that share the port."
)
def public(host: str | None, port: int | None, workers: int) -> None:
    """The unsubscribe page, one-click unsubscribing, and the hooks of mail providers, over HTTP.

    Put a proxy with TLS in front, and set SES_PUBLIC_URL to its address for all components (docs/feedback.md). While
    PostgreSQL is unavailable, what comes in is kept in the folder SES_SPOOL and recorded later.
    """
    from ses_ops.cli.session import db_dsn
    from ses_ops.events.provider_hooks import hooks_set_up
    from ses_ops.public.server import serve

    address, _ = settings.public_url(), hooks_set_up()  # a wrong setting is an error before anything listens
    host, port = host or settings.public_host(), port or settings.public_port()
    dsn = db_dsn()
    click.echo(
        f"listening on {host}:{port} for {address or 'SES_PUBLIC_URL, which is not set'}; Ctrl-C ends it", err=True
    )
    serve(dsn=dsn, host=host, port=port, workers=workers)


@listen.command("api")
@click.option("--host", help="Address to listen on. [default: SES_API_HOST, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: SES_API_PORT, else 8060]")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that share the port."
)
def api(host: str | None, port: int | None, workers: int) -> None:
    """The API for programs: trigger mail, and what the command line can, over HTTP with keys (`ses key create`).

    Put a proxy with TLS in front (docs/api.md). It sends what it accepts itself. Several copies may run side by side;
    what a copy that dies leaves behind, another one or the DAG ses_maintenance takes over.
    """
    import gc

    gc.disable()  # until all is loaded (api/server.py): an eighth of the time that the start takes
    from ses_ops.api.server import serve
    from ses_ops.application.secret_box import SecretBox
    from ses_ops.cli.session import db_dsn_without_airflow

    # A wrong setting is an error before anything listens.
    settings.public_url(), api_settings.api_per_second()
    api_settings.reference_per_second(), api_settings.reference_zone()
    SecretBox.of_airflow()
    host, port = host or api_settings.api_host(), port or api_settings.api_port()
    dsn = db_dsn_without_airflow()
    click.echo(f"listening on {host}:{port}; Ctrl-C ends it", err=True)
    serve(dsn=dsn, host=host, port=port, workers=workers)


@listen.command("bounces")
@click.option("--host", help="Address to listen on. [default: SES_BOUNCE_HOST, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: SES_BOUNCE_PORT, else 2525]")
@click.option("--lmtp", is_flag=True, help="Speak LMTP, for a mail server in front.")
def bounces(host: str | None, port: int | None, lmtp: bool) -> None:
    """Bounces, complaints and unsubscribing as mail, over SMTP or LMTP.

    Lead the MX of your bounce domain here, or let your mail server hand its mail over (docs/feedback.md). Only mail to
    addresses with a valid token is taken. SES_BOUNCE_TLS_CERTIFICATE and SES_BOUNCE_TLS_KEY, two PEM files, make it
    offer STARTTLS. While PostgreSQL is unavailable, what comes in is kept in the folder
    SES_SPOOL and recorded later.
    """
    from ses_ops.cli.session import db_dsn
    from ses_ops.public.bounce_listener import serve
    from ses_ops.public.starttls import ServedCertificate

    host, port = host or settings.bounce_host(), port or settings.bounce_port()
    certificate = ServedCertificate.of_settings()  # a wrong setting is an error before anything listens
    dsn = db_dsn()
    spoken = ("LMTP" if lmtp else "SMTP") + (", with STARTTLS" if certificate else "")
    click.echo(f"listening on {host}:{port} ({spoken}); Ctrl-C ends it", err=True)
    serve(dsn=dsn, spool_folder=settings.spool_folder(), host=host, port=port, lmtp=lmtp, certificate=certificate)
