#!/usr/bin/env python3
"""Verify the evidence of a drill without Rempart: python3 verify.py evidence.json keys.pem

It needs the package "cryptography". It verifies the signature of the envelope and the
digests of the manifest's parts, which are beside it, and says what the drill came to.
It leaves out what `kubectl rempart verify` checks besides: the form of every byte, that
nothing contradicts anything else, and the chain.
"""

import base64
import hashlib
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def trusted_keys(pem: str):
    """All public keys of a file."""
    end = "-----END PUBLIC KEY-----"
    return [load_pem_public_key((text + end).encode()) for text in pem.split(end) if "BEGIN PUBLIC KEY" in text]


def is_signed(signature: bytes, message: bytes, keys) -> bool:
    for key in keys:
        try:
            key.verify(signature, message)
            return True
        except InvalidSignature:
            continue
    return False


def main(evidence: pathlib.Path, keys: pathlib.Path) -> int:
    envelope = json.loads(evidence.read_text())
    kind = envelope["payloadType"].encode()
    payload = base64.b64decode(envelope["payload"], validate=True)
    # What DSSE signs: type and payload, each with its length.
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    trusted = trusted_keys(keys.read_text())
    if not any(is_signed(base64.b64decode(s["sig"]), message, trusted) for s in envelope["signatures"]):
        print("INVALID: no trusted key signed this")
        return 1
    statement = json.loads(payload)
    for subject in statement["subject"]:
        found = hashlib.sha256((evidence.parent / subject["name"]).read_bytes()).hexdigest()
        if found != subject["digest"]["sha256"]:
            print(f"INVALID: {subject['name']} is another file")
            return 1
    drill = statement["predicate"]
    print(f"VALID: drill {drill['names']['drill']} of {drill['names']['bucket']}: {drill['verdict']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
