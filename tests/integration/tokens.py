"""Makes JSON Web Tokens of every algorithm, right and wrong ones, and the key sets that go with them."""

import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"ES256": (ec.SECP256R1, "P-256", 32), "ES384": (ec.SECP384R1, "P-384", 48), "ES512": (ec.SECP521R1, "P-521", 66)}
ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
SYMMETRIC = ["HS256", "HS384", "HS512"]
SHARED_SECRET = "what a backend and the gateway of a test share, longer than 32 bytes"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _number(value, length=None):
    return base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def new_key(algorithm):
    if algorithm[:2] in ("RS", "PS"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(CURVES[algorithm][0]())


def sign_bytes(algorithm, key, data):
    if algorithm == "none":
        return b""
    if algorithm.startswith("HS"):
        return hmac.new(key, data, getattr(hashlib, "sha" + algorithm[2:])).digest()
    if algorithm == "EdDSA":
        return key.sign(data)
    digest = HASHES[algorithm[2:]]()
    if algorithm.startswith("RS"):
        return key.sign(data, padding.PKCS1v15(), digest)
    if algorithm.startswith("PS"):
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    length = CURVES[algorithm][2]
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def claims(**changes):
    """Claims that are good for five minutes; a change to None leaves the claim out."""
    now = int(time.time())
    made = {"iss": "https://issuer.test", "aud": "app", "sub": "alice", "iat": now, "exp": now + 300, **changes}
    return {name: value for name, value in made.items() if value is not None}


def token(algorithm, key, payload=None, header_algorithm=None, **header):
    """A compact JWS. `header_algorithm` lets the header lie about how it was signed."""
    head = {"alg": header_algorithm or algorithm, "typ": "JWT", **header}
    signed = base64url(json.dumps(head).encode()) + "." + base64url(json.dumps(payload or claims()).encode())
    return signed + "." + base64url(sign_bytes(algorithm, key, signed.encode("ascii")))


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(key, kid, algorithm):
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        made = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    elif isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        made = {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
    else:
        _, curve, length = CURVES[algorithm]
        numbers = public.public_numbers()
        made = {"kty": "EC", "crv": curve, "x": _number(numbers.x, length), "y": _number(numbers.y, length)}
    return {**made, "kid": kid, "alg": algorithm, "use": "sig"}


class KeyRing:
    """One private key for each asymmetric algorithm, its kid being the algorithm's name."""

    def __init__(self):
        shared_rsa = new_key("RS256")  # RSA keys are slow to make, and one serves six algorithms
        self.keys = {name: shared_rsa if name[:2] in ("RS", "PS") else new_key(name) for name in ASYMMETRIC}

    def key_set(self):
        return {"keys": [jwk(key, name, name) for name, key in self.keys.items()]}

    def token(self, algorithm, payload=None):
        return token(algorithm, self.keys[algorithm], payload, kid=algorithm)
