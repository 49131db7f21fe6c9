"""Ed25519 of the interpreter's OpenSSL: the RFC's own examples, another program's opinion, and what is no signature."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tradehall.adapters.signatures import Ed25519Signer, is_signed, public_pem

# RFC 8032, section 7.1, tests 1 to 3.
RFC_8032 = [
    # seed, public key, message, signature
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     ("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     ("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     ("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")),
]  # fmt: skip
SEED = bytes(range(32))


@pytest.mark.parametrize(("seed", "key", "message", "signature"), RFC_8032)
def test_the_examples_of_the_rfc_come_out(seed, key, message, signature):
    signer = Ed25519Signer(bytes.fromhex(seed))
    assert signer.public_key.hex() == key
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    assert is_signed(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


def test_another_message_key_or_signature_is_not_signed_and_rubbish_is_neither():
    signer, message = Ed25519Signer(SEED), b"what was said"
    signature = signer.sign(message)
    other = Ed25519Signer(SEED[::-1])
    assert is_signed(signer.public_key, message, signature)
    assert not is_signed(signer.public_key, message + b".", signature)
    assert not is_signed(other.public_key, message, signature)
    assert not is_signed(signer.public_key, message, other.sign(message))
    for place in range(len(signature)):
        spoiled = bytearray(signature)
        spoiled[place] ^= 1
        assert not is_signed(signer.public_key, message, bytes(spoiled)), place
    for key, found in ((b"", signature), (signer.public_key, b""), (b"\xff" * 32, signature), (SEED[:31], signature)):
        assert not is_signed(key, message, found)


def test_a_signer_shows_its_seed_to_nobody():
    assert SEED.hex() not in repr(Ed25519Signer(SEED)) and repr(SEED) not in repr(Ed25519Signer(SEED))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")
def test_openssl_on_the_command_line_agrees(tmp_path: Path):
    signer = Ed25519Signer(SEED)
    (tmp_path / "key.pem").write_text(public_pem(signer.public_key))
    (tmp_path / "message").write_bytes(b"what was said")
    (tmp_path / "signature").write_bytes(signer.sign(b"what was said"))
    asked = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
    done = subprocess.run([*asked, "-in", "message", "-sigfile", "signature"], cwd=tmp_path, check=False)
    assert done.returncode == 0
