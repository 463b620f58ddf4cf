"""Every message and event type of the vendor's pages becomes one InboundMessage."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import xmltodict

from bot.domain.messages import InboundMessage, MessageType
from bot.errors import MalformedMessage
from bot.platforms.official_account import payload

BASE = {"ToUserName": "gh_1", "FromUserName": "oMember", "CreateTime": "1348831860"}


def parsed(fields: dict[str, Any], format: str = "xml") -> InboundMessage:
    whole = {**BASE, **fields}
    body = xmltodict.unparse({"xml": whole}) if format == "xml" else json.dumps(whole)
    return payload.parse(payload.read(body.encode()))


def message(type_name: str, **fields: Any) -> dict[str, Any]:
    return {"MsgType": type_name, "MsgId": "1234567890123456", **fields}


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"MsgType": "event", "Event": name, **fields}


MESSAGES = [
    (message("text", Content="这是 test"), MessageType.TEXT, {}),
    (message("text", Content="好", bizmsgmenuid="7"), MessageType.TEXT, {"bizmsgmenuid": "7"}),
    (message("image", PicUrl="u", MediaId="m"), MessageType.IMAGE, {"PicUrl": "u", "MediaId": "m"}),
    (message("voice", MediaId="m", Format="amr", Recognition="打卡", MediaId16K="n"),
     MessageType.VOICE, {"MediaId": "m", "Format": "amr", "MediaId16K": "n"}),
    (message("video", MediaId="m", ThumbMediaId="t"), MessageType.VIDEO,
     {"MediaId": "m", "ThumbMediaId": "t"}),
    (message("shortvideo", MediaId="m", ThumbMediaId="t"), MessageType.VIDEO,
     {"MediaId": "m", "ThumbMediaId": "t"}),
    (message("location", Location_X="23.1", Location_Y="113.3", Scale="20", Label="广州"),
     MessageType.LOCATION, {"Location_X": "23.1", "Location_Y": "113.3", "Scale": "20", "Label": "广州"}),
    (message("link", Title="t", Description="d", Url="u"), MessageType.LINK,
     {"Title": "t", "Description": "d", "Url": "u"}),
    (message("miniprogrampage", Title="t", AppId="a", PagePath="p", ThumbUrl="u", ThumbMediaId="m"),
     MessageType.MINI_PROGRAM,
     {"Title": "t", "AppId": "a", "PagePath": "p", "ThumbUrl": "u", "ThumbMediaId": "m"}),
    (message("text", Content="x", MsgDataId="5", Idx="1"), MessageType.TEXT, {"MsgDataId": "5", "Idx": "1"}),
    (message("sticker", Whatever="1"), MessageType.UNKNOWN, {"Whatever": "1"}),
]  # fmt: skip
EVENTS = [
    (event("subscribe"), True),
    (event("subscribe", EventKey="qrscene_123", Ticket="T"), True),
    (event("unsubscribe"), False),
    (event("SCAN", EventKey="123", Ticket="T"), True),
    (event("LOCATION", Latitude="23.1", Longitude="113.3", Precision="119"), True),
    (event("CLICK", EventKey="help"), True),
    (event("VIEW", EventKey="http://u", MenuId="1"), False),
    (event("view_miniprogram", EventKey="p", MenuId="1"), False),
    (event("scancode_push", EventKey="6", ScanCodeInfo={"ScanType": "qrcode", "ScanResult": "1"}), False),
    (event("scancode_waitmsg", EventKey="6", ScanCodeInfo={"ScanType": "qrcode", "ScanResult": "1"}), True),
    (event("pic_sysphoto", EventKey="6", SendPicsInfo={"Count": "1"}), False),
    (event("pic_photo_or_album", EventKey="6", SendPicsInfo={"Count": "1"}), False),
    (event("pic_weixin", EventKey="6", SendPicsInfo={"Count": "1"}), False),
    (event("location_select", EventKey="6", SendLocationInfo={"Location_X": "23"}), False),
    (event("TEMPLATESENDJOBFINISH", MsgID="200163836", Status="success"), False),
    (event("MASSSENDJOBFINISH", MsgID="1000001625", Status="sendsuccess", TotalCount="100",
           CopyrightCheckResult={"Count": "1", "ResultList": {"item": {"ArticleIdx": "1"}}}), False),
    (event("PUBLISHJOBFINISH", PublishEventInfo={"publish_id": "1", "publish_status": "0"}), False),
    (event("subscribe_msg_popup_event", SubscribeMsgPopupEvent={"List": [
        {"TemplateId": "a", "SubscribeStatusString": "accept", "PopupScene": "1"},
        {"TemplateId": "b", "SubscribeStatusString": "reject", "PopupScene": "1"}]}), False),
    (event("subscribe_msg_change_event", SubscribeMsgChangeEvent={"List": {
        "TemplateId": "a", "SubscribeStatusString": "reject"}}), False),
    (event("subscribe_msg_change_event", SubscribeMsgPopupEvent={"List": {
        "TemplateId": "a", "SubscribeStatusString": "reject"}}), False),
    (event("subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": {
        "TemplateId": "a", "MsgID": "9", "ErrorCode": "0", "ErrorStatus": "success"}}), False),
    (event("user_info_modified", OpenID="o"), False),
    (event("user_authorization_revoke", OpenID="o"), False),
    (event("qualification_verify_success", ExpiredTime="1442401156"), False),
    (event("kf_create_session", KfAccount="a@b"), False),
    (event("something_new", Field="1"), False),
]  # fmt: skip


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize(("fields", "kind", "details"), MESSAGES)
def test_messages(
    fields: dict[str, Any], kind: MessageType, details: dict[str, str], format: str
) -> None:
    found = parsed(fields, format)

    assert (found.type, found.sender, found.account) == (kind, "oMember", "gh_1")
    assert found.sent_at == datetime(2012, 9, 28, 11, 31, tzinfo=UTC)
    assert dict(found.details) == details
    assert found.text == fields.get("Content", fields.get("Recognition", ""))
    assert found.wants_reply
    assert len(found.key) == 32


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize(("fields", "wants_reply"), EVENTS)
def test_events(fields: dict[str, Any], wants_reply: bool, format: str) -> None:
    found = parsed(fields, format)

    assert found.type is MessageType.EVENT
    assert found.event == fields["Event"].lower()
    assert found.event_key == fields.get("EventKey", "")
    assert found.wants_reply is wants_reply


@pytest.mark.parametrize(
    "items", [{"TemplateId": "a", "MsgID": "9"}, [{"TemplateId": "a", "MsgID": "9"}]]
)
def test_a_list_of_one_is_a_list(items: Any) -> None:
    found = parsed(event("subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": items}))

    assert found.details["SubscribeMsgSentEvent.List.0.MsgID"] == "9"


def test_both_formats_of_a_message_have_one_key() -> None:
    fields = message("text", Content="x")
    assert parsed(fields).key == parsed({**fields, "MsgId": 1234567890123456}, "json").key


def test_an_event_repeated_is_the_same_and_another_of_that_second_is_not() -> None:
    receipt = event("TEMPLATESENDJOBFINISH", MsgID="1", Status="success")
    tap = event("CLICK", EventKey="a")
    keys = [
        parsed(fields).key
        for fields in (
            receipt,
            {**receipt, "MsgID": "2"},
            tap,
            {**tap, "EventKey": "b"},
            {**tap, "FromUserName": "oOther"},
            {**tap, "CreateTime": "1348831861"},
            event("SCAN", EventKey="a", Ticket="T1"),
            event("SCAN", EventKey="a", Ticket="T2"),
        )
    ]

    assert len(set(keys)) == len(keys)
    assert parsed(receipt).key == keys[0]


def test_what_xml_cannot_carry_is_left_out() -> None:
    body = b"<xml>" + b"".join(
        f"<{name}>{value}</{name}>".encode() for name, value in BASE.items()
    ) + b"<MsgType>text</MsgType><MsgId>1</MsgId><Content>a\x00b\x0bc&#8;d&#x1F;e\x1bf\xef\xbf\xbf</Content></xml>"  # fmt: skip
    assert payload.parse(payload.read(body)).text == "abcdef"
    assert parsed(message("text", Content="a\x00b\x1fc"), "json").text == "abc"


def test_markup_in_a_text_comes_through() -> None:
    content = 'a]]>b<b>&amp;</b> 1 < 2 & "3"\''
    body = xmltodict.unparse({"xml": {**BASE, **message("text", Content=content)}})
    cdata = body.replace(
        f"<Content>{body.split('<Content>')[1].split('</Content>')[0]}</Content>",
        f"<Content><![CDATA[{content.replace(']]>', ']]]]><![CDATA[>')}]]></Content>",
    )

    assert payload.parse(payload.read(body.encode())).text == content
    assert payload.parse(payload.read(cdata.encode())).text == content


@pytest.mark.parametrize(
    "fields",
    [
        {"MsgType": "text", "Content": "no id"},
        {"MsgId": "1"},
        {"MsgType": "event"},
        message("text", Content=["a", "b"]),
        message("text", Content={"a": "b"}),
        message("text", FromUserName=["a", "b"]),
        message("text", FromUserName=""),
        message("text", FromUserName="o" * 129),
        message("text", CreateTime="soon"),
        message("text", CreateTime="9" * 19),
        message("text", MsgId="1" * 65),
        {**message("text"), "MsgType": ["text", "image"]},
    ],
)
@pytest.mark.parametrize("format", ["xml", "json"])
def test_fields_of_the_wrong_shape_are_refused(fields: dict[str, Any], format: str) -> None:
    with pytest.raises(MalformedMessage):
        parsed(fields, format)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"hello",
        b"<xml/>",
        b"<xml>",
        b"<other><a>1</a></other>",
        b"{}",
        b"{",
        b"[]",
        b'{"a": "\\ud800"}',
        b'{"xml": 1}',
        b"\xff\xfe<xml></xml>",
        b"<xml>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</xml>",
        b"{" + b'"a":{' * 5000 + b"}" * 5000 + b"}",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><MsgType>&a;</MsgType></xml>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><xml><MsgType>&a;</MsgType></xml>',
    ],
)
def test_bodies_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        payload.parse(payload.read(body))
