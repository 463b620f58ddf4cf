"""The vendor's own examples (message-push page of developers.weixin.qq.com)."""

import json
from datetime import UTC, datetime

import pytest

from bot.domain.messages import MessageType
from bot.errors import InvalidSignature, MalformedMessage, StaleTimestamp
from bot.platforms.crypto import MessageKey, check_signature, signature
from bot.platforms.official_account.channel import OfficialAccount

TOKEN = "AAAAA"
KEY = "A" * 43
APP_ID = "wxba5fad812f8e6fb9"
ENCRYPTED = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcv"
    "ZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3F"
    "n2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSe"
    "OBrebufAlr7F9mFUPAJGj04="
)
PLAIN = (
    '{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY",'
    '"CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)
QUERY = {
    "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
    "timestamp": "1714112445",
    "nonce": "415670741",
    "openid": "o9AgO5Kd5ggOC-bXrbNODIiE3bGY",
    "encrypt_type": "aes",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
}
SENT = datetime.fromtimestamp(1714112445, UTC)


@pytest.fixture
def safe() -> OfficialAccount:
    return OfficialAccount(TOKEN, (MessageKey(KEY, APP_ID),), more="")


@pytest.fixture
def plain() -> OfficialAccount:
    return OfficialAccount(TOKEN, (), more="")


def test_verification(plain: OfficialAccount) -> None:
    query = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "timestamp": "1714036504",
        "nonce": "1514711492",
        "echostr": "4375120948345356249",
    }
    now = datetime.fromtimestamp(1714036504, UTC)

    assert plain.verify(query, now) == "4375120948345356249"
    with pytest.raises(InvalidSignature):
        plain.verify({**query, "nonce": "1514711493"}, now)


def test_plaintext_signature() -> None:
    given = "899cf89e464efb63f54ddac96b0a0a235f53aa78"

    check_signature((TOKEN, "1714037059", "486452656"), given)
    with pytest.raises(InvalidSignature):
        check_signature((TOKEN, "1714037059", "486452657"), given)


def test_safe_mode_message(safe: OfficialAccount) -> None:
    opened = safe.open(QUERY, json.dumps({"Encrypt": ENCRYPTED}).encode(), SENT)

    assert opened.message.type is MessageType.EVENT
    assert opened.message.event == "debug_demo"
    assert opened.message.sender == "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
    assert opened.message.account == "gh_97417a04a28d"
    assert opened.message.details == {"debug_str": "hello world"}
    assert opened.message.sent_at == SENT
    assert opened.format == "json"


def test_safe_mode_plaintext_is_the_vendors() -> None:
    assert MessageKey(KEY, APP_ID).decrypt(ENCRYPTED).decode() == PLAIN


def test_a_message_from_before_the_window_is_refused(safe: OfficialAccount) -> None:
    late = datetime.fromtimestamp(1714112445 + 301, UTC)
    with pytest.raises(StaleTimestamp, match="-301 s"):
        safe.open(QUERY, json.dumps({"Encrypt": ENCRYPTED}).encode(), late)


def test_encrypted_reply() -> None:
    """The vendor's reply is made with a given random prefix; ours opens it and signs alike."""
    encrypted = (
        "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    )

    assert MessageKey(KEY, APP_ID).decrypt(encrypted) == b'{"demo_resp":"good luck"}'
    assert (
        signature(TOKEN, "1713424427", "415670741", encrypted)
        == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"
    )


def test_encrypting_with_the_vendors_prefix_gives_the_vendors_bytes() -> None:
    class Fixed(MessageKey):
        def prefix(self) -> str:
            return "707722b803182950"

    assert Fixed(KEY, APP_ID).encrypt('{"demo_resp":"good luck"}') == (
        "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    )


@pytest.mark.parametrize(
    "encrypted",
    ["", "AAAA", "not base64!", ENCRYPTED[:-8], "A" * 64, ENCRYPTED[:-4] + "AAA="],
    ids=["empty", "short", "no base64", "truncated", "wrong key", "broken padding"],
)
def test_whatever_is_wrong_with_a_body_gives_one_error(encrypted: str) -> None:
    with pytest.raises(MalformedMessage, match="cannot be decrypted"):
        MessageKey(KEY, APP_ID).decrypt(encrypted)


def test_another_app_id_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="cannot be decrypted"):
        MessageKey(KEY, "wx0000000000000000").decrypt(ENCRYPTED)
