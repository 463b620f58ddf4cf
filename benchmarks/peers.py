"""What others answer the same pushes with: WeRoBot, and Flask with wechatpy.

Run as: python -m benchmarks.peers NAME PORT. The server is granian as `xueban serve` sets it up.
"""

import sys
from typing import Any

from flask import Flask, Response, request
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import TextReply
from werobot import WeRoBot
from werobot.config import Config

from benchmarks.pushes import AES_KEY, APP_ID, PATH, TOKEN
from bot.bootstrap import THREADS


def _echo(message: Any) -> str:
    return str(message.content)


def _werobot(session_storage: Any) -> Any:
    robot = WeRoBot(
        config=Config(
            TOKEN=TOKEN,
            APP_ID=APP_ID,
            ENCODING_AES_KEY=AES_KEY,
            SESSION_STORAGE=session_storage,
        )
    )
    robot.text(_echo)
    # Its SQLite file is opened here: four threads would race to open it with the first messages.
    assert (robot.session_storage is None) == (session_storage is False)
    return robot.wsgi


def werobot_sessions() -> Any:
    """WeRoBot as it comes: each message reads and writes its sender's session in SQLite."""
    return _werobot(None)


def werobot_stateless() -> Any:
    """WeRoBot with sessions switched off: nothing is stored."""
    return _werobot(False)


def wechatpy_flask() -> Flask:
    """The echo of wechatpy's documentation: nothing is stored."""
    app = Flask(__name__)
    crypto = WeChatCrypto(TOKEN, AES_KEY, APP_ID)

    @app.post(PATH)
    def receive() -> Response:
        query = request.args
        xml = crypto.decrypt_message(
            request.get_data(), query["msg_signature"], query["timestamp"], query["nonce"]
        )
        message = parse_message(xml)
        reply = TextReply(content=message.content, message=message).render()
        body = crypto.encrypt_message(reply, query["nonce"], query["timestamp"])
        return Response(body, content_type="application/xml; charset=utf-8")

    return app


def main(name: str, port: int) -> None:
    Granian(
        f"benchmarks.peers:{name}",
        factory=True,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
