"""wecom-aibot-python-sdk as a bot: python aibot_bot.py '{"url": …, "bot": …, "secret": …}'

Says what happens as lines of JSON, {"event": …}, and ends with its standard input. It trusts only
certifi's authorities, so `ca` of the job is put into its own module.
"""

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Coroutine
from typing import Any

import aibot.ws
from aibot import WSClient, WSClientOptions

Frame = dict[str, Any]


class Silent:
    def debug(self, *_words: object) -> None:
        pass

    info = warn = error = debug


def say(event: str, value: object = None) -> None:
    sys.stdout.write(json.dumps({"event": event, "value": value}) + "\n")
    sys.stdout.flush()


async def code_of(call: Coroutine[Any, Any, Frame]) -> int:
    """The acknowledgement's errcode; the package puts others than 0 into the words of an error."""
    try:
        return int((await call)["errcode"])
    except RuntimeError as error:
        found = re.search(r"errcode=(\d+)", str(error))
        return int(found[1]) if found else -1


def listen(client: Any) -> None:
    async def on_text(frame: Frame) -> None:
        text = frame["body"]["text"]["content"].removeprefix("@学伴").strip()
        word, _, rest = text.partition(" ")
        if word == "卡片":
            say("card", await code_of(client.reply_template_card(frame, json.loads(rest))))
        elif word == "推送":
            chat = frame["body"].get("chatid") or frame["body"]["from"]["userid"]
            body = {"msgtype": "markdown", "markdown": {"content": "**早**"}}
            say(
                "pushed", [await code_of(client.send_message(chat, body)) for _ in range(int(rest))]
            )
        else:
            first = await code_of(client.reply_stream(frame, "S1", "在想", False))
            second = await code_of(client.reply_stream(frame, "S1", f"你说：{word}", True))
            say("answered", [first, second])

    async def on_image(frame: Frame) -> None:
        image = frame["body"]["image"]
        content, _ = await client.download_file(image["url"], image["aeskey"])
        say("picture", content.hex())

    async def on_enter(frame: Frame) -> None:
        body = {"msgtype": "text", "text": {"content": "欢迎"}}
        say("welcomed", await code_of(client.reply_welcome(frame, body)))

    async def on_tap(frame: Frame) -> None:
        event = frame["body"]["event"]["template_card_event"]
        title = {"title": f"点了 {event['event_key']}"}
        card = {"card_type": "text_notice", "main_title": title, "task_id": event["task_id"]}
        say("updated", await code_of(client.update_template_card(frame, card)))

    client.on("message.text", on_text)
    client.on("message.image", on_image)
    client.on("event.enter_chat", on_enter)
    client.on("event.template_card_event", on_tap)
    client.on("event.disconnected_event", lambda _frame: say("kicked"))
    client.on("authenticated", lambda: say("authenticated"))
    client.on("disconnected", lambda _reason: say("disconnected"))
    client.on("error", lambda error: say("error", str(error)))


async def main() -> None:
    job = json.loads(sys.argv[1])
    aibot.ws._SSL_CONTEXT = ssl.create_default_context(cafile=job["ca"])
    options = WSClientOptions(
        bot_id=job["bot"], secret=job["secret"], ws_url=job["url"], logger=Silent(),
        reconnect_interval=50, heartbeat_interval=200,
    )  # fmt: skip
    client = WSClient(options)
    listen(client)
    await client.connect()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
