"""The server of interop/server, and the key of the application that logs in with JWT."""

import shutil
from pathlib import Path

import harness
from authlib.jose import JsonWebKey

TOKEN = "test-token"
_KEY = JsonWebKey.generate_key("RSA", 2048, is_private=True)
PRIVATE_KEY = _KEY.as_pem(is_private=True).decode()


def serve(root: Path) -> harness.Process:
    folder = root / "config"
    shutil.copytree(harness.REPO / "interop/server", folder)
    # Made for each run: no key lies in the repository.
    (folder / "jwt.pub.pem").write_bytes(_KEY.as_pem(is_private=False))
    return harness.serve(root, folder / "coze.yaml", TOKEN)
