"""A private authority whose certificates lack what Python 3.13 asks for: named by ca_file it is trusted as before."""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import ses_ops
from ses_ops.transports.errors import SetupRefused
from ses_ops.transports.flow.event_loop import run_in_loop
from ses_ops.transports.port import Delivery
from ses_ops.transports.smtp.probe import probe
from ses_ops.transports.smtp.settings import SmtpSettings, Tls
from tests.integration.smtp_servers.script import Script
from tests.integration.smtp_servers.scripted import ScriptedServer
from tests.integration.transports.smtp.sending import send, settings_for

strict = ssl.create_default_context


class Lacking(NamedTuple):
    """What is not as RFC 5280 wants it."""

    critical: bool = True
    key_usage: bool = True
    authority_key: bool = True


KINDS = {
    "easy-rsa": Lacking(critical=False),
    "no keyUsage": Lacking(key_usage=False),
    "no authorityKeyIdentifier": Lacking(authority_key=False),
    "nothing of it": Lacking(critical=False, key_usage=False, authority_key=False),
}


class Chain(NamedTuple):
    """A server's certificate and the authority that signed it."""

    ca_file: str
    server_file: str
    context: ssl.SSLContext


def make(folder: Path, lacking: Lacking, *, expired: bool = False) -> Chain:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Easy-RSA CA")])
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    now = datetime.now(UTC)

    def certificate(subject: str, public: Any, usages: set[str]) -> x509.CertificateBuilder:
        until = now - timedelta(days=1) if expired and public is not ca_key.public_key() else now + timedelta(days=9)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        if lacking.key_usage:
            every = (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
            )
            every += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
            usage = x509.KeyUsage(**{name: name in usages for name in every})
            builder = builder.add_extension(usage, critical=lacking.critical)
        if lacking.authority_key:
            key_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id)
            builder = builder.add_extension(key_id, critical=False)
        return builder

    of_ca = certificate("Easy-RSA CA", ca_key.public_key(), {"key_cert_sign", "crl_sign"})
    of_ca = of_ca.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=lacking.critical)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    of_server = (
        certificate("localhost", key.public_key(), {"digital_signature", "key_encipherment"})
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    ca_file, server_file = folder / "ca.crt", folder / "server.pem"
    ca_file.write_bytes(of_ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    server_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + of_server.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return Chain(str(ca_file), str(server_file), context)


@pytest.fixture(params=["as Python 3.12", "as Python 3.13"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The default context of each version; 3.13 made it strict (gh-107361)."""

    def default(*args: Any, **options: Any) -> ssl.SSLContext:
        context = strict(*args, **options)
        if request.param == "as Python 3.13":
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
        else:
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", default)
    return str(request.param)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.TLS])
def test_mail_goes_to_a_server_whose_private_authority_is_named(
    tmp_path: Path, python: str, kind: str, tls: Tls
) -> None:
    chain = make(tmp_path, KINDS[kind])
    script = Script(implicit_tls=chain.context) if tls is Tls.TLS else Script(starttls=chain.context)
    with ScriptedServer(script) as server:
        run = send(server, 5, tls=tls, ca_file=chain.ca_file, timeout=10)
        assert run.error is None
        assert "verified" in run_in_loop(probe(settings_for(server, tls=tls, ca_file=chain.ca_file, timeout=10)))
    assert run.feed.count() == {Delivery.SENT: 5}


@pytest.mark.parametrize("wrong", ["another authority", "expired"])
def test_signature_and_dates_are_judged_all_the_same(tmp_path: Path, python: str, wrong: str) -> None:
    chain = make(tmp_path, KINDS["easy-rsa"], expired=wrong == "expired")
    (tmp_path / "other").mkdir()
    other = make(tmp_path / "other", KINDS["easy-rsa"])
    with ScriptedServer(Script(starttls=chain.context)) as server:
        run = send(server, 5, ca_file=chain.ca_file if wrong == "expired" else other.ca_file, timeout=10)
    assert isinstance(run.error, SetupRefused)
    assert "certificate is not trusted" in str(run.error)
    assert not server.accepted


HANDSHAKE = """
import ssl, sys
sys.path.insert(0, sys.argv[1])
from ses_ops.transports.smtp.settings import SmtpSettings
from ses_ops.transports.smtp.tls import TlsRules

there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
there.load_cert_chain(sys.argv[3])

def handshake(context):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = there.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(5):
        for one in (client, server):
            try:
                one.do_handshake()
            except ssl.SSLWantReadError:
                pass

try:
    handshake(ssl.create_default_context(cafile=sys.argv[2]))
    print("not strict")
except ssl.SSLCertVerificationError as error:
    print(error.verify_message)
handshake(TlsRules(SmtpSettings(host="localhost", ca_file=sys.argv[2])).context())
print("trusted")
"""


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_under_a_real_python_3_13(tmp_path: Path, kind: str) -> None:
    found = next(filter(None, map(shutil.which, ("python3.13", "python3.14"))), None)
    if found is None or subprocess.run([found, "-c", ""], check=False).returncode:
        pytest.skip("there is no Python 3.13 here; the tests above set the flags that it sets")
    chain = make(tmp_path, KINDS[kind])
    plugins = str(Path(ses_ops.__file__).parents[1])
    command = [found, "-c", HANDSHAKE, plugins, chain.ca_file, chain.server_file]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    without, last = done.stdout.splitlines()
    assert without != "not strict", "the chain must be one that Python 3.13 refuses by itself"
    assert last == "trusted"


def test_settings_without_a_ca_file_are_as_strict_as_python_is(python: str) -> None:
    from ses_ops.transports.smtp.tls import TlsRules

    flags = TlsRules(SmtpSettings(host="h")).context().verify_flags
    assert bool(flags & ssl.VERIFY_X509_STRICT) == (python == "as Python 3.13")
