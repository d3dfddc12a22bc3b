"""A public key infrastructure for client certificates: a root, an intermediate authority below it, and revocation lists."""

import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certificates import Leaf, private_pem

PEM = serialization.Encoding.PEM


def days(count):
    return datetime.datetime.utcnow() + datetime.timedelta(days=count)


class Issuer:
    """An authority; without a parent, a root."""

    def __init__(self, common_name, parent=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
                               x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self.parent = parent
        signer = parent or self
        self.certificate = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(signer.name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(days(-2)).not_valid_after(days(30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(signer.key, hashes.SHA256()))
        self.pem = self.certificate.public_bytes(PEM)

    def chain(self):
        """What a client has to send with a certificate of this authority, without the root."""
        return self.pem + self.parent.chain() if self.parent else b""

    def revocation_list(self, revoked=(), begins=-1, ends=7, encoding=PEM):
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(days(begins)).next_update(days(ends))
        for leaf in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(leaf.serial).revocation_date(days(-1)).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(encoding)


class ClientAuthority:
    def __init__(self, directory, name="Clients"):
        self.directory = str(directory)
        self.name = name
        self.root = Issuer(f"{name} Root")
        self.intermediate = Issuer(f"{name} Intermediate", self.root)
        self.ca = self.write("root.pem", self.root.pem)

    def write(self, label, data):
        path = os.path.join(self.directory, f"{self.name}-{label}")
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.replace(path + ".new", path)
        return path

    def revoke(self, *leaves, label="all.crl", **options):
        """The file with the lists of both authorities."""
        return self.write(label, self.root.revocation_list(leaves, **options) +
                          self.intermediate.revocation_list(leaves, **options))

    def issue(self, label, names=(), issuer=None, begins=-1, ends=20, usage=ExtendedKeyUsageOID.CLIENT_AUTH, subject=None):
        """A certificate with its chain in one file. `names` are x509 general names."""
        issuer = issuer or self.intermediate
        key = ec.generate_private_key(ec.SECP256R1())
        subject = subject or [(NameOID.ORGANIZATION_NAME, "Example"), (NameOID.COMMON_NAME, label)]
        builder = (
            x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(*one) for one in subject]))
            .issuer_name(issuer.name).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(days(begins)).not_valid_after(days(ends))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False))
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        certificate = builder.sign(issuer.key, hashes.SHA256())
        leaf = Leaf(self.write(label + ".pem", certificate.public_bytes(PEM) + issuer.chain()),
                    self.write(label + ".key", private_pem(key)), certificate.serial_number)
        leaf.der = certificate.public_bytes(serialization.Encoding.DER)
        return leaf
