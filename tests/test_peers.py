"""Messages that other people's code signed and encrypted, and our replies read by it."""

from xml.etree import ElementTree

from werobot.crypto import MessageCrypt
from werobot.parser import parse_user_msg

from bot.bootstrap import Application
from bot.platforms.crypto import MessageKey
from bot.web.app import create_app
from tests.platform import AES_KEY, APP_ID, OPENID, TOKEN, enrol

CALLBACK = "/callback/official-account"


def test_werobot_encrypts_and_reads_our_reply(application: Application) -> None:
    enrol(application, OPENID, account="gh_1")
    peer = MessageCrypt(token=TOKEN, encoding_aes_key=AES_KEY, app_id=APP_ID)
    stamp = str(int(application.clock.now().timestamp()))
    xml = (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{OPENID}</FromUserName>"
        f"<CreateTime>{stamp}</CreateTime><MsgType>text</MsgType><MsgId>1</MsgId>"
        "<Content>打卡 读完第3章</Content></xml>"
    )
    envelope = peer.encrypt_message(xml, timestamp=stamp, nonce="n1")
    outside = parse(envelope)
    query = {"timestamp": stamp, "nonce": "n1", "encrypt_type": "aes",
             "msg_signature": outside["MsgSignature"]}  # fmt: skip

    response = (
        create_app(application)
        .test_client()
        .post(CALLBACK, data=envelope.encode(), query_string=query)
    )
    answer = parse(response.get_data(as_text=True))
    plain = peer.decrypt_message(
        answer["TimeStamp"], answer["Nonce"], answer["MsgSignature"], answer["Encrypt"]
    )
    said = parse_user_msg(plain)

    assert said.content.splitlines() == ["打卡成功，11月23日。这是第 1 天。", "记下了：读完第3章"]
    assert (said.target, said.source) == (OPENID, "gh_1")


def test_werobot_and_we_read_each_other() -> None:
    peer = MessageCrypt(token=TOKEN, encoding_aes_key=AES_KEY, app_id=APP_ID)
    ours = MessageKey(AES_KEY, APP_ID)
    for text in ("", "好", "a" * 31, "b" * 32, "字" * 700, "😀]]>"):
        theirs = parse(peer.encrypt_message(text, timestamp="1", nonce="n"))["Encrypt"]
        assert ours.decrypt(theirs).decode() == text


def parse(xml: str) -> dict[str, str]:
    return {child.tag: child.text or "" for child in ElementTree.fromstring(xml)}  # noqa: S314
