"""/assets/…: the packaged UI kit (Bootstrap 5, from Bootstrap-Flask) and our own few files.

Served by us, since campus networks do not reach what others serve; packed once, at the start. A
name has its content's hash, so that a browser asks for each once.
"""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from flask import Blueprint, Flask, Response, abort, request

_KIT = files("flask_bootstrap") / "static" / "bootstrap5"
_OURS = files("bot.web") / "static"
_FILES = {
    "bootstrap.css": _KIT / "css" / "bootstrap.min.css",
    "pages.css": _OURS / "pages.css",
    "theme.js": _OURS / "theme.js",
    "pages.js": _OURS / "pages.js",
}
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class _Asset:
    plain: bytes
    packed: bytes
    path: str


def blueprint(app: Flask) -> Blueprint:
    """Templates write {{ asset("pages.css") }}."""
    assets = {name: _read(name) for name in _FILES}
    by_path = {asset.path: (name, asset) for name, asset in assets.items()}
    pages = Blueprint("assets", __name__)

    @pages.get("/assets/<hashed>")
    def show(hashed: str) -> Response:
        name, asset = by_path.get(f"/assets/{hashed}") or abort(404)
        packed = request.accept_encodings["gzip"] > 0
        response = Response(
            asset.packed if packed else asset.plain, content_type=_TYPES[name.rpartition(".")[2]]
        )
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        return response

    app.add_template_global(lambda name: assets[name].path, "asset")
    return pages


def _read(name: str) -> _Asset:
    plain = _FILES[name].read_bytes()
    # Browsers would look for the maps that the kit's files name, and which we do not serve.
    plain = b"\n".join(line for line in plain.split(b"\n") if b"sourceMappingURL=" not in line)
    stem, _, ending = name.rpartition(".")
    digest = hashlib.sha256(plain).hexdigest()[:12]
    return _Asset(plain, gzip.compress(plain, 9, mtime=0), f"/assets/{stem}-{digest}.{ending}")
