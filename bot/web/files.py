"""/files/<token>: an uploaded file, for whoever has its link. The token is never logged."""

from flask import Blueprint, Response, abort, send_file

from bot.bootstrap import Application
from bot.files import Files
from bot.services import files
from bot.storage.session import DATABASE_BUSY

_TRY_AGAIN = "60"
_MAX_AGE = 3600


def blueprint(application: Application) -> Blueprint:
    """The bytes, in parts where a player asks for them; 404 for everything that is no token."""
    pages = Blueprint("files", __name__)
    kept = Files(application.settings.storage.data_dir.resolve() / "files")

    @pages.get("/files/<token>")
    def show(token: str) -> Response:
        try:
            with application.database.read() as session:
                found = files.by_token(session, token)
        except DATABASE_BUSY:
            return Response("busy\n", 503, {"Retry-After": _TRY_AGAIN}, mimetype="text/plain")
        path = kept.path(found.sha256) if found else None
        if found is None or path is None:
            abort(404)
        response = send_file(
            path, found.content_type, download_name=found.name, conditional=True,
            etag=found.sha256, max_age=_MAX_AGE,
        )  # fmt: skip
        # The name says nothing of the type: a browser must not guess another one.
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        response.cache_control.public = False
        response.cache_control.private = True
        return response

    return pages
