"""A certificate authority for one test run, and leaves of either kind."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _new_key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def private_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Leaf:
    """Paths of a certificate and its key, in PEM."""

    def __init__(self, certificate, key, serial):
        self.certificate = certificate
        self.key = key
        self.serial = serial

    def as_config(self):
        return {"certificate": self.certificate, "key": self.key}


class Authority:
    def __init__(self, directory, name="Integration Test CA"):
        self.directory = str(directory)
        self.key = _new_key("ecdsa")
        self.name = _subject(name)
        now = datetime.datetime.utcnow()
        self.certificate = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256()))
        self.path = self._write(name.replace(" ", "_") + ".ca.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def _write(self, name, data):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def issue(self, label, names, kind="ecdsa", begins=-1, ends=20):
        """`begins` and `ends` are days from now."""
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        return self._issue(label, names[0], [alternatives], kind, begins, ends)

    def issue_by_common_name(self, label, name):
        return self._issue(label, name, [], "ecdsa", -1, 20)

    def _issue(self, label, common_name, extensions, kind, begins, ends):
        key = _new_key(kind)
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder().subject_name(_subject(common_name)).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=begins)).not_valid_after(now + datetime.timedelta(days=ends))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return Leaf(self._write(label + ".pem", certificate.public_bytes(serialization.Encoding.PEM)),
                    self._write(label + ".key", private_pem(key)), certificate.serial_number)
